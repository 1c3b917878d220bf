"""Why something is in its state: the conditions, the rows behind them, and what would change it.

Nothing of it is stored: the gates are queried, and the rows that they read are shown beside their
results.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.utils.timezone import localtime

from builders.models import Builder, Verdict
from foreman_office.dashboard.available_actions import offer_resolution
from foreman_office.dashboard.builders.troubles import trouble_of
from foreman_office.dashboard.explain.pending import OFF_THEIR_TASK
from foreman_office.rules import (
    Case,
    Explained,
    Remedy,
    due_condition,
    explain,
    remedies,
    resolve_issues,
)
from governance.gates import Condition, NextMove, next_move
from governance.models import Blocker, Evidence, GovernanceViolation
from kit.web.decision_forms import ActionButton
from programs.models import FINISHED, State


@dataclass
class Explanation:
    """Why an entity is in its state, and what would change that."""

    entity: Any
    look: str
    since: datetime | None
    evidence: Evidence | None
    move: NextMove | None = None
    reasons: list[Explained] = field(default_factory=list)
    changes: list[Remedy] = field(default_factory=list)
    due: list[Explained] = field(default_factory=list)  # whether it is in time, if it is due
    postponing: list[Remedy] = field(default_factory=list)  # what would end that it is late
    blockers: list[Blocker] = field(default_factory=list)
    violations: list[GovernanceViolation] = field(default_factory=list)

    @property
    def resolutions(self) -> list[ActionButton]:
        return [offer_resolution(row) for row in [*self.violations, *self.blockers]]


def derive(entity: Any) -> Explanation:
    """Return why a program, wave, task or builder is in its state, and what would change it."""
    if isinstance(entity, Builder):
        return _builder_state(entity)
    evidence, move, case = came_to_be(entity), next_move(entity), Case(entity)
    found = Explanation(
        entity,
        entity.state,
        evidence.timestamp if evidence else entity.updated_at,
        evidence,
        move,
        blockers=case.blockers,
        violations=case.violations,
    )
    if move:
        found.reasons = [explain(condition, case) for condition in move.conditions]
        found.changes = remedies(move.unmet, case) or [*_next(entity, move, case)]
    if entity.due_on and entity.state not in FINISHED:
        due = due_condition(entity)
        found.due = [explain(due, case)]
        found.postponing = [] if due.met else remedies([due], case)
    return found


def _next(entity: Any, move: NextMove, case: Case) -> Iterable[Remedy]:
    """Yield what may be done where no condition is unmet."""
    if entity.state == State.BLOCKED:
        # Resolved, they let it return by themselves; to be planned it needs nothing.
        yield from (Remedy(*row) for row in resolve_issues(case, {"no_open_blocker": ""}))
    met = "Every condition is met" if move.conditions else "No condition applies"
    yield Remedy(f"{met}: it can {move.verb}.", entity.get_absolute_url())


def came_to_be(entity: Model) -> Evidence | None:
    """Return the act by which an entity came into its state."""
    return (
        Evidence.objects.of(entity)
        .filter(witnessed=True, action="state_changed", context__to=entity.state)
        .order_by("-sequence")
        .first()
    )


def came_completed(entity: Any) -> Evidence | None:
    """Return the act by which a completed entity came into the office as one, if it did."""
    if entity.state != State.COMPLETED or came_to_be(entity):
        return None
    arrived = Evidence.objects.of(entity).filter(witnessed=True, action="created")
    return arrived.filter(context__snapshot__state=State.COMPLETED).order_by("-sequence").first()


def overrides_of(entity: Model) -> list[Evidence]:
    """Return every act by which something about an entity was forced, newest first."""
    forced = Evidence.objects.of(entity).filter(context__has_key="override")
    return list(forced.order_by("-sequence")[:20])


def _builder_state(builder: Any) -> Explanation:
    """Return how a builder's verdict follows from its heartbeats, its task and its pauses."""
    task, case = builder.current_task, Case(builder)
    conditions = [*_judged(builder)]
    return Explanation(
        builder,
        builder.verdict,
        builder.verdict_since,
        None,
        reasons=[explain(condition, case) for condition in conditions],
        changes=remedies([each for each in conditions if not each.met], case),
        blockers=list(Blocker.objects.open().of(task).order_by("detected_at")) if task else [],
    )


def _judged(builder: Any) -> Iterable[Condition]:
    """Return a builder's verdict as conditions, rule by rule, as the gates return a task's."""
    verdict, task = builder.verdict, builder.current_task
    tokens = builder.tokens.valid().count()
    yield Condition("may_report", tokens > 0, f"Valid tokens: {tokens}.")
    heard = f"Last sign: {clock_time(builder.pulse)}." if builder.pulse else "No heartbeat yet."
    words = f"{heard} The threshold is {builder.threshold_seconds} s."
    yield Condition("heard", verdict != Verdict.SILENT, words)
    progressed = "It has no task."
    if builder.progressed_at:
        progressed = f"Last progress: {clock_time(builder.progressed_at)}."
    yield Condition("gets_on", verdict != Verdict.SPINNING, progressed)
    waits = verdict == Verdict.WAITING
    says = "It reports that it is blocked." if waits else "It does not report that it is blocked."
    yield Condition("not_waiting", not waits, says)
    if task:
        trouble = trouble_of(builder) if verdict in OFF_THEIR_TASK else None
        words = trouble.happened if trouble else "Nothing says that it does not."
        yield Condition("works_on_its_task", trouble is None, words)


def clock_time(moment: datetime) -> str:
    return localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z")
