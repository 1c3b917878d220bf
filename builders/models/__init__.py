"""The work: five builders, their heartbeats and their tokens (contract sections 1.4 and 1.6)."""

from builders.models.agent_stops import AgentStop
from builders.models.badges import BadgeKey
from builders.models.builders import Backend, Builder
from builders.models.heartbeat_minutes import HeartbeatMinute
from builders.models.heartbeats import Heartbeat, HeartbeatQuerySet, HeartbeatStatus
from builders.models.idempotency_keys import CIIdempotencyKey, IdempotencyKey
from builders.models.office_absences import OfficeAbsence
from builders.models.pauses import BuilderPause
from builders.models.questions import MOST_OPTIONS, Question
from builders.models.tokens import BuilderToken, CIToken
from builders.models.usage import (
    UsageArrival,
    UsageHour,
    UsageKind,
    UsagePoint,
    UsageRemark,
    UsageSeries,
    UsageSession,
    UsageSource,
)
from builders.models.verdicts import Verdict, silence_threshold

__all__ = [
    "MOST_OPTIONS",
    "AgentStop",
    "Backend",
    "BadgeKey",
    "Builder",
    "BuilderPause",
    "BuilderToken",
    "CIIdempotencyKey",
    "CIToken",
    "Heartbeat",
    "HeartbeatMinute",
    "HeartbeatQuerySet",
    "HeartbeatStatus",
    "IdempotencyKey",
    "OfficeAbsence",
    "Question",
    "UsageArrival",
    "UsageHour",
    "UsageKind",
    "UsagePoint",
    "UsageRemark",
    "UsageSeries",
    "UsageSession",
    "UsageSource",
    "Verdict",
    "silence_threshold",
]
