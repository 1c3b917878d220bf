"""The inbox: what waits for the foreman, as cards, the most costly to leave first."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Min, Model, OuterRef, QuerySet, Subquery, Window
from django.db.models.functions import Coalesce, Greatest, RowNumber
from django.utils.timezone import now

from builders.pulse import with_last_words, with_verdict
from foreman_office.kit.decide import Offer, ReasonForm
from governance import attention
from governance.costs import NOTHING, Held, Reach, some
from governance.entities import name_entities
from governance.gates import Condition
from governance.models import ArchitectureValidation, Classification, QAExecution
from governance.offers import (
    offer,
    offer_assignment,
    offer_resolution,
    offers_on,
    offers_to_complete,
)
from governance.trail import lower_first
from programs.models import Task, Wave

LISTED = 50  # cards, and rows of each kind that are read for them
OFFERED_AT_ONCE = 3  # tasks of one wave that a card offers to assign

WHY_BLOCKED = {
    Classification.ARCHITECTURE_QA_MISMATCH: "What is tested is not what was designed; work that"
    " goes on builds one of the two wrongly.",
    Classification.IMPOSSIBLE_REQUIREMENTS: "No work can meet what is asked: it needs another"
    " plan, not another attempt.",
    Classification.PROTECTED_PATH: "The work wants to change what no builder may touch by itself.",
    Classification.REPEATED_FAILURES: "The builder does not get on; more of the same costs time"
    " and finds nothing new.",
    Classification.CONSTITUTIONAL_VIOLATION: "A rule of the house was broken: the work is halted"
    " until somebody has looked.",
    Classification.BUILDER_STALL: "Nobody knows what the builder does, and nobody else may take"
    " up what it holds.",
}


@dataclass
class Decision:
    """One thing that waits: what happened, why it matters, what it holds up, what may be done."""

    key: str
    look: str
    kind: str
    entity: Model | None
    happened: str
    matters: str
    otherwise: str
    since: datetime
    offers: list[Offer] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    held: Held = NOTHING
    idle: bool = False  # whether builders without work wait for it
    tasks: int | None = None  # how many of a wave's tasks wait, where it is not all

    @property
    def rank(self) -> tuple[int, datetime]:
        return -self.held.cost, self.since


def list_decisions(
    at: datetime | None = None, limit: int | None = None, *, decides: bool = True
) -> list[Decision]:
    """List what waits, the most costly to leave first: what it holds up, then its age.

    Without `decides` nothing is offered: the cards are for somebody who reads.
    """
    at, limit = at or now(), limit or LISTED
    builders = list(with_last_words(with_verdict(at)))
    found = [*_decisions(at, builders, limit)]
    reach = Reach((decision.entity for decision in found), builders)
    for decision in found:
        decision.held = reach.of(decision.entity, idle=decision.idle, tasks=decision.tasks)
        if not decides:
            decision.offers = []
    listed = sorted(found, key=attrgetter("rank"))[:limit]
    offered: set[str] = set()
    for decision in listed:  # two troubles of one task: what is done with the task is offered once
        decision.offers = [offer for offer in decision.offers if offer.key not in offered]
        offered |= {offer.key for offer in decision.offers}
    return listed


def _decisions(at: datetime, builders: list[Any], limit: int) -> Iterator[Decision]:
    yield from _builders(at, builders)
    yield from _troubles(limit)
    yield from _claims(limit)
    yield from _plans(builders, limit)
    yield from _unwell(builders, limit)


def _builders(at: datetime, builders: list[Any]) -> Iterator[Decision]:
    silent = set(attention.silent_builders(at).values_list("pk", flat=True))
    spinning = set(attention.spinning_builders(at).values_list("pk", flat=True))
    for builder in builders:
        task = builder.current_task
        words = f" Its last words: “{builder.last_message}”." if builder.last_message else ""
        if builder.pk in silent:
            heard = "was not heard" if builder.pulse else "was never heard"
            threshold = settings.FOREMAN_SILENCE_THRESHOLD_SECONDS
            yield Decision(
                f"silent-{builder.pk}",
                "silent",
                "Silent builder",
                builder,
                f"It {heard} for longer than {threshold} s, with “{task}” in its hands.{words}",
                "Nobody knows whether the work goes on, and nobody else may take it up.",
                "The next sweep declares a stall and blocks the task; a late heartbeat undoes it.",
                builder.verdict_since,
                [*offers_to_take_back(task), *offers_on(builder)],
            )
        elif builder.pk in spinning:
            yield Decision(
                f"spinning-{builder.pk}",
                "spinning",
                "Spinning builder",
                builder,
                f"Ten heartbeats on “{task}” said the same: {task.progress_percentage} %.{words}",
                "It is alive and does not get on; it will not say so by itself.",
                "It goes on beating, and nothing changes.",
                builder.verdict_since,
                offers_to_take_back(task),
            )


def offers_to_take_back(task: Task) -> list[Offer]:
    """Offer to end what a builder does; one that is paused is not silent."""
    if task.state == Task.State.IN_PROGRESS:
        return [offer(task, "programs:task_send_back", "Take the task back", ReasonForm)]
    return [offer(task, "builders:task_release", "Take the task back")]


def _troubles(limit: int) -> Iterator[Decision]:
    violations = attention.unresolved_violations().select_related("task__wave__program", "builder")
    for violation in violations.order_by("detected_at")[:limit]:
        by = f" By {violation.builder_id}." if violation.builder_id else ""
        yield Decision(
            f"violation-{violation.pk}",
            "violation",
            f"Violation: {violation.violation_type}",
            violation.task or violation.builder,
            f"{violation.description}{by}",
            "A rule that holds for all work was broken; what was built meanwhile is in doubt.",
            "The task stays halted, and cannot be completed."
            if violation.task and violation.task.state != Task.State.COMPLETED
            else "It stays unresolved.",
            violation.detected_at,
            [offer_resolution(violation)],
        )
    for blocker in name_entities(attention.open_blockers().order_by("detected_at")[:limit]):
        entity = blocker.entity
        again = f" It came {blocker.occurrences} times." if blocker.occurrences > 1 else ""
        others = offers_on(entity) if isinstance(entity, Task) and entity.state == "blocked" else []
        yield Decision(
            f"blocker-{blocker.pk}",
            "silent" if blocker.classification == Classification.BUILDER_STALL else "open",
            f"Blocker: {lower_first(blocker.get_classification_display())}",
            entity,
            f"{blocker.description}{again}",
            WHY_BLOCKED[blocker.classification],
            "It stays blocked; if the builder is heard again, it goes on by itself."
            if blocker.classification == Classification.BUILDER_STALL
            else f"The {blocker.entity_type} stays blocked.",
            blocker.detected_at,
            [offer_resolution(blocker), *others[:2]],
        )


def _claims(limit: int) -> Iterator[Decision]:
    claims = attention.refused_claims().select_related("task__wave__program")
    for claim in claims.order_by("claimed_at")[:limit]:
        answers = [Condition(**answer) for answer in claim.conditions]
        unmet = [answer for answer in answers if not answer.met]
        yield Decision(
            f"claim-{claim.pk}",
            "not-passed",
            "Claim of “done” refused",
            claim.task,
            f"{claim.builder_id} says that it is done. {len(answers) - len(unmet)} of"
            f" {len(answers)} conditions held then.",
            "A claim is no proof: what is unmet is what a user would have found.",
            "The builder goes on, and claims again; the task is not completed.",
            claim.claimed_at,
            [
                *offers_to_complete(claim.task),
                offer(claim.task, "programs:task_send_back", "Send back", ReasonForm),
            ],
            conditions=unmet,
        )


def number_of(model: type[Model], holder: str) -> Coalesce:
    """Count what a row holds, for the rows that are shown and no others."""
    rows = model._default_manager.filter(**{holder: OuterRef("pk")}).order_by().values(holder)
    return Coalesce(Subquery(rows.annotate(number=Count("pk")).values("number")), 0)


def _plans(builders: list[Any], limit: int) -> Iterator[Decision]:
    plans = attention.plans_to_approve().annotate(
        wave_number=number_of(Wave, "program"), task_number=number_of(Task, "wave__program")
    )
    for program in plans.order_by("created_at")[:limit]:
        waves, tasks = some(program.wave_number, "wave"), some(program.task_number, "task")
        yield Decision(
            f"program-{program.pk}",
            "planned",
            "Plan to approve",
            program,
            f"{waves}, {tasks}. The plan is whole: every wave has its tasks, and none waits for"
            " itself.",
            "Nothing of it begins without your word.",
            "Nothing starts.",
            program.created_at,
            offers_on(program)[:1],
            idle=True,
        )
    waves = attention.waves_to_start().select_related("program")
    for wave in waves.annotate(task_number=number_of(Task, "wave"))[:limit]:
        yield Decision(
            f"wave-{wave.pk}",
            "planned",
            "Wave to start",
            wave,
            f"{some(wave.task_number, 'task')}. Every wave that it waits for is completed.",
            "Its tasks can be assigned once it is under way.",
            "Its tasks, and the waves after it, wait.",
            max(wave.updated_at, wave.program.updated_at),
            offers_on(wave)[:1],
            idle=True,
        )
    yield from _assignments(builders, limit)


def _assignments(builders: list[Any], limit: int) -> Iterator[Decision]:
    ready: dict[Any, list[Any]] = defaultdict(list)
    for task in first_to_assign():
        ready[task.wave].append(task)
    for wave, tasks in [*ready.items()][:limit]:
        number, since = tasks[0].number, tasks[0].since
        begun = "is" if number == 1 else "are"
        yield Decision(
            f"assign-{wave.pk}",
            "planned",
            "Work to give out",
            wave,
            f"{some(number, 'task')} {begun} ready: architecture ready, suite red, nothing in the"
            " way.",
            "A builder is idle while this could be built.",
            "Builders stay idle.",
            max(since, wave.updated_at),
            [offer_for(task, builders) for task in tasks],
            idle=True,
            tasks=number,
        )


def first_to_assign() -> QuerySet[Task]:
    """The first tasks of each wave that could be assigned; how many there are, and since when."""
    of_wave = {"partition_by": F("wave")}
    ready = Greatest(
        latest(ArchitectureValidation, "validated_at"), latest(QAExecution, "executed_at")
    )
    return (
        attention.tasks_to_assign()
        .annotate(
            place=Window(RowNumber(), order_by="created_at", **of_wave),
            number=Window(Count("pk"), **of_wave),
            since=Window(Min(ready), **of_wave),
        )
        .filter(place__lte=OFFERED_AT_ONCE)
        .select_related("wave__program")
        .order_by("created_at")
    )


def latest(model: type[Model], moment: str) -> Subquery:
    """When a task was last judged."""
    rows = model._default_manager.filter(task=OuterRef("pk")).order_by(f"-{moment}")
    return Subquery(rows.values(moment)[:1])


def offer_for(task: Task, builders: list[Any]) -> Offer:
    return offer_assignment(task, builders, f"Assign “{task}”")


def _unwell(builders: list[Any], limit: int) -> Iterator[Decision]:
    for rows in (
        attention.unwell_programs(),
        attention.unwell_waves().select_related("program"),
        attention.unwell_tasks().select_related("wave__program"),
    ):
        for row in rows.order_by("updated_at")[:limit]:
            failed = row.state == row.State.FAILED
            yield Decision(
                f"unwell-{row.pk}",
                row.state,
                f"{row.get_state_display()} {row._meta.verbose_name}",
                row,
                "This attempt was given up." if failed else "No open blocker says why.",
                "It ends nowhere until somebody takes it up again."
                if failed
                else "What is blocked for no reason that is written down is blocked for good.",
                "It stays failed, and what waits for it waits."
                if failed
                else f"The {row._meta.verbose_name} stays blocked.",
                # A failed attempt has an end; otherwise the last change is the nearest known.
                getattr(row, "completed_at", None) or row.updated_at,
                offers_on(row, builders),
            )
