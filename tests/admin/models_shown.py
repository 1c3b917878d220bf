"""The models, and how the admin shows them: each is in one of these tables."""

from builders.models import (
    Builder,
    BuilderPause,
    BuilderToken,
    CIToken,
    Heartbeat,
    OfficeAbsence,
    Question,
)
from governance.models import (
    ArchitectureValidation,
    Blocker,
    CompletionClaim,
    Evidence,
    GovernanceViolation,
    QAExecution,
)
from programs.models import (
    PlanNote,
    Program,
    Task,
    TaskLink,
    TaskNote,
    Wave,
)
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    BuilderPauseFactory,
    BuilderTokenFactory,
    CITokenFactory,
    CompletionClaimFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    OfficeAbsenceFactory,
    PlanNoteFactory,
    ProgramFactory,
    QAExecutionFactory,
    QuestionFactory,
    TaskFactory,
    TaskLinkFactory,
    TaskNoteFactory,
    WaveFactory,
)

FACTORIES = {
    Program: ProgramFactory,
    Wave: WaveFactory,
    Task: TaskFactory,
    Builder: BuilderFactory,
    BuilderToken: BuilderTokenFactory,
    CIToken: CITokenFactory,
    OfficeAbsence: OfficeAbsenceFactory,
    PlanNote: PlanNoteFactory,
    Question: QuestionFactory,
    TaskLink: TaskLinkFactory,
    TaskNote: TaskNoteFactory,
    Heartbeat: HeartbeatFactory,
    Blocker: BlockerFactory,
    GovernanceViolation: GovernanceViolationFactory,
    ArchitectureValidation: ArchitectureValidationFactory,
    QAExecution: QAExecutionFactory,
    BuilderPause: BuilderPauseFactory,
    CompletionClaim: CompletionClaimFactory,
    Evidence: TaskFactory,  # a trigger writes it
}
READ_ONLY = [
    *(BuilderToken, CIToken, BuilderPause, Heartbeat, OfficeAbsence),
    *(PlanNote, Question, TaskLink, TaskNote, CompletionClaim, Evidence),
]
# How the office works, not what it records: shown on its own pages, if at all.
WORKINGS = {
    *("governance.Channel", "governance.Delivery"),
    *("governance.Notice", "governance.NotificationRule"),
    *("builders.BadgeKey", "governance.SavedView"),
    *("builders.CIIdempotencyKey", "builders.IdempotencyKey", "governance.SentForm"),
    *("builders.AgentStop", "governance.Budget"),
    *("builders.UsageHour", "builders.UsagePoint", "builders.UsageRemark"),
    *("builders.UsageSeries", "builders.UsageSession"),
    *("governance.KnownTest", "governance.LatestRun", "governance.PairedTest"),
    *("governance.QATestResult", "governance.SuiteTurn", "governance.ThinnedRun"),
    *("governance.OfficeLogEntry", "governance.RefusedAct", "governance.Watcher"),
    *("governance.LoginAttempt", "governance.OfficeSession", "governance.OpenIDAccount"),
    *("governance.RecoveryCode", "governance.SecondFactor"),
    *("programs.ImportTransaction", "programs.ImportTurn", "programs.PlanText"),
    *("programs.StagedImport", "programs.StagedRecord"),
    *("governance.Checkpoint", "governance.EvidenceKey", "governance.SealedRecord"),
    *("governance.SealingProgress", "governance.TreeNode", "governance.WitnessProgress"),
}
CORRECTED = [model for model in FACTORIES if model not in READ_ONLY]
SEARCHES = {
    Program: "Program",
    Wave: "Wave",
    Task: "escalation",
    Builder: "ui-builder",
    BuilderToken: "fo_test",
    CIToken: "fc_test",
    OfficeAbsence: "2026-03-04",
    PlanNote: "too thin",
    Question: "two fields",
    TaskLink: "hold expires",
    TaskNote: "hold expires",
    Heartbeat: "at work",
    Blocker: "progress",
    GovernanceViolation: "debt",
    ArchitectureValidation: "escalation",
    QAExecution: "escalation",
    BuilderPause: "disk",
    CompletionClaim: "Task",
    Evidence: "created",
}
