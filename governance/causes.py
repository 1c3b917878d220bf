"""Why a task is not well: what happened, since when, and what ends it, the gravest first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Model

from builders.models import Verdict
from builders.pulse import with_last_words, with_verdict
from foreman_office.kit.decide import Offer
from governance.attention import refused_claims
from governance.decisions import WHY_BLOCKED
from governance.gates import Condition, state_before_block
from governance.models import Blocker, Classification, Evidence, GovernanceViolation
from governance.offers import offer_resolution, offers_on
from governance.why import Derivation, came_to_be, derive, spoken_for
from programs.models import State, Task, TaskState

LOST = (State.BLOCKED, State.FAILED)


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong: how it looks, what happened, since when, and what would end it."""

    key: str
    look: str
    title: str
    happened: str
    ends: str
    since: datetime
    matters: str = ""
    offers: list[Offer] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)  # unmet, of a claim
    about: Model | None = None  # where it lies, if not in the task itself


def causes_of(task: Task) -> list[Cause]:
    """Return what is wrong with a task, found once for each time it is read."""
    if not hasattr(task, "causes"):
        task.causes = [*_causes(task)]  # type: ignore[attr-defined]
    return task.causes  # type: ignore[attr-defined]


def derivation_of(task: Task) -> Derivation:
    """Derive a task's state, once for each time it is read."""
    if not hasattr(task, "derivation"):
        task.derivation = derive(task)  # type: ignore[attr-defined]
    return task.derivation  # type: ignore[attr-defined]


def _causes(task: Task) -> Iterator[Cause]:
    found = derivation_of(task)
    violations = found.violations
    yield from (_violation(task, violation) for violation in violations)
    if task.state == TaskState.COMPLETED:
        return
    blockers = [each for each in found.blockers if not spoken_for(each, violations)]
    yield from _blockers(task, blockers)
    stalled = any(each.classification == Classification.BUILDER_STALL for each in blockers)
    if not stalled:
        yield from _builder(task)
    yield from _claim(task)
    if task.state == TaskState.FAILED:
        yield _given_up(task, found.evidence)
    elif task.state == TaskState.BLOCKED and not (violations or blockers):
        yield _for_no_reason(task, found.since)
    yield from _above(task)


def _violation(task: Task, violation: GovernanceViolation) -> Cause:
    by = f" By {violation.builder_id}." if violation.builder_id else ""
    return Cause(
        f"violation-{violation.pk}",
        "violation",
        f"Violation: {violation.violation_type}",
        f"{violation.description}{by}",
        "Resolving it. Until then the task is halted."
        if task.state != TaskState.COMPLETED
        else "Resolving it. The task stays completed, and its work in doubt.",
        violation.detected_at,
        offers=[offer_resolution(violation)],
    )


def _blockers(task: Task, blockers: list[Blocker]) -> Iterator[Cause]:
    if not blockers:
        return
    before = state_before_block(task) if task.state == TaskState.BLOCKED else task.state
    last = "it" if len(blockers) == 1 else "the last of them"
    for blocker in blockers:
        stall = blocker.classification == Classification.BUILDER_STALL
        again = f" It came {blocker.occurrences} times." if blocker.occurrences > 1 else ""
        yield Cause(
            f"blocker-{blocker.pk}",
            "silent" if stall else "open",
            str(blocker.get_classification_display()),
            f"{blocker.description}{again}",
            f"A heartbeat of {task.assigned_builder} ends it by itself; or take the task back, so"
            " that another builder may have it."
            if stall
            else f"With {last} resolved, the task is {before.replace('-', ' ')} again.",
            blocker.detected_at,
            WHY_BLOCKED[blocker.classification],
            [offer_resolution(blocker)],
        )


def _builder(task: Task) -> Iterator[Cause]:
    builder: Any = with_last_words(with_verdict()).filter(current_task=task).first()
    if builder is None:
        return
    said = (builder.last_message or "").rstrip(".")
    words = f" Its last words: “{said}”." if said else ""
    told = {
        Verdict.SILENT: (
            f"It was not heard for longer than {settings.FOREMAN_SILENCE_THRESHOLD_SECONDS} s, with"
            f" this task in its hands.{words}",
            "A heartbeat ends it. Without one the next sweep declares a stall and blocks the task.",
        ),
        Verdict.SPINNING: (
            f"Its last ten heartbeats or more said the same: {task.progress_percentage} %.{words}",
            "Other progress, or a run in which more tests pass. It goes on like this by itself:"
            " send the task back if it leads nowhere.",
        ),
        Verdict.WAITING: (
            f"It says of itself that it is blocked.{words}",
            "Its next active heartbeat. What it waits for is in its words, or in a blocker.",
        ),
    }
    if builder.verdict in told:
        happened, ends = told[builder.verdict]
        yield Cause(
            f"{builder.verdict}-{builder.pk}",
            builder.verdict,
            f"{builder} is {builder.verdict}",
            happened,
            ends,
            builder.verdict_since,
            offers=offers_on(builder) if builder.verdict == Verdict.SILENT else [],
            about=builder,
        )


def _claim(task: Task) -> Iterator[Cause]:
    for claim in refused_claims().filter(task=task):
        answers = [Condition(**answer) for answer in claim.conditions]
        unmet = [answer for answer in answers if not answer.met]
        yield Cause(
            f"claim-{claim.pk}",
            "not-passed",
            "Claim of “done” refused",
            f"{claim.builder_id} says that it is done. {len(answers) - len(unmet)} of"
            f" {len(answers)} conditions held then.",
            "A later claim that the gate believes; or completing it, or sending it back.",
            claim.claimed_at,
            conditions=unmet,
        )


def _given_up(task: Task, act: Evidence | None) -> Cause:
    context = act.context if act else {}
    reason = context.get("reason") or context.get("override")
    by = f" by {context.get('user') or act.actor}" if act else ""
    return Cause(
        f"failed-{task.pk}",
        "failed",
        f"This attempt was given up{by}",
        f"“{reason}”" if reason else "No reason is recorded.",
        "Planning it again. Nothing happens by itself.",
        (act.timestamp if act else task.completed_at) or task.updated_at,
    )


def _for_no_reason(task: Task, since: datetime | None) -> Cause:
    return Cause(
        f"blocked-{task.pk}",
        "blocked",
        "Blocked, and no open blocker says why",
        "What is blocked for no reason that is written down is blocked for good.",
        "Letting it go on, or taking it back.",
        since or task.updated_at,
    )


def _above(task: Task) -> Iterator[Cause]:
    """What holds up everything inside a wave or a program holds up this task as well."""
    for parent in (task.wave, task.wave.program):
        if parent.state in LOST:
            act = came_to_be(parent)
            kind = parent._meta.model_name
            yield Cause(
                f"{parent.state}-{parent.pk}",
                parent.state,
                f"Its {kind} is {parent.state}",
                f"Nothing inside “{parent}” begins or is completed.",
                f"Taking up the {kind} again.",
                act.timestamp if act else parent.updated_at,
                about=parent,
            )
