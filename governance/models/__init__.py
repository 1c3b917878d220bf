"""The judgement: blockers, violations, validations, QA runs, evidence (contract 1.5, 1.7-1.10)."""

from governance.models.blockers import BlockedEntity, Blocker, Classification
from governance.models.budgets import Budget, measure_budgets
from governance.models.claims import CompletionClaim
from governance.models.entity_filters import within
from governance.models.entity_notes import MOST_ENTITY_NOTES, EntityNote, NotedKind
from governance.models.evidence import (
    COMPLETIONS,
    EVIDENCE_SAYS,
    EVIDENCE_TEXT,
    Evidence,
    EvidenceEntity,
)
from governance.models.handover import HandoverReading
from governance.models.known_tests import KnownTest
from governance.models.logins import (
    LoginAttempt,
    OfficeSession,
    OpenIDAccount,
    RecoveryCode,
    SecondFactor,
)
from governance.models.memberships import MemberRole, OrganisationMember
from governance.models.notices import Channel, Delivery, Notice, NotificationRule
from governance.models.office_log import OfficeLogEntry
from governance.models.qa_runs import LatestRun, QAExecution, QAStatus
from governance.models.qa_test_results import PairedTest, QATestResult, TestOutcome
from governance.models.refused_acts import RefusedAct
from governance.models.saved_views import LONGEST_NAME, LONGEST_QUERY, ListColumns, SavedView
from governance.models.sealing import (
    Checkpoint,
    EvidenceKey,
    KeyEntry,
    RecordKind,
    SealedRecord,
    SealingProgress,
    TreeNode,
    WitnessProgress,
)
from governance.models.sent_forms import SentForm
from governance.models.suite_turns import SuiteTurn
from governance.models.thinned_runs import ThinnedRun
from governance.models.validations import ArchitectureValidation, Readiness, pass_rate_of
from governance.models.violations import GovernanceViolation
from governance.models.watchers import Watcher

__all__ = [
    "COMPLETIONS",
    "EVIDENCE_SAYS",
    "EVIDENCE_TEXT",
    "LONGEST_NAME",
    "LONGEST_QUERY",
    "MOST_ENTITY_NOTES",
    "ArchitectureValidation",
    "BlockedEntity",
    "Blocker",
    "Budget",
    "Channel",
    "Checkpoint",
    "Classification",
    "CompletionClaim",
    "Delivery",
    "EntityNote",
    "Evidence",
    "EvidenceEntity",
    "EvidenceKey",
    "GovernanceViolation",
    "HandoverReading",
    "KeyEntry",
    "KnownTest",
    "LatestRun",
    "ListColumns",
    "LoginAttempt",
    "MemberRole",
    "NotedKind",
    "Notice",
    "NotificationRule",
    "OfficeLogEntry",
    "OfficeSession",
    "OpenIDAccount",
    "OrganisationMember",
    "PairedTest",
    "QAExecution",
    "QAStatus",
    "QATestResult",
    "Readiness",
    "RecordKind",
    "RecoveryCode",
    "RefusedAct",
    "SavedView",
    "SealedRecord",
    "SealingProgress",
    "SecondFactor",
    "SentForm",
    "SuiteTurn",
    "TestOutcome",
    "ThinnedRun",
    "TreeNode",
    "Watcher",
    "WitnessProgress",
    "measure_budgets",
    "pass_rate_of",
    "within",
]
