"""The inbox: what waits for the foreman, as cards, the most costly to leave first."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Greatest, JSONArray

from builders.pulse import with_last_words, with_verdict
from foreman_office.kit import prepared
from foreman_office.kit.decide import Offer, ReasonForm
from governance import attention
from governance.attention import Matters, count_matters
from governance.costs import NOTHING, Held, Reach, some
from governance.entities import find_names
from governance.gates import Condition
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Classification,
    CompletionClaim,
    GovernanceViolation,
    QAExecution,
)
from governance.offers import (
    offer,
    offer_assignment,
    offer_resolution,
    offers_on,
    offers_to_complete,
)
from governance.trail import lower_first
from programs.models import Task

type Found = Mapping[tuple[str, UUID], Model]

LISTED = 8  # cards
WEIGHED = 50  # rows of each set that are read for them
ENTITIES = ["program", "wave", "task"]
OFFERED_AT_ONCE = 3  # tasks of one wave that a card offers to assign
READY = 5  # tasks of one wave that are counted as ready: each is asked whether its gate is open

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


class Ready(NamedTuple):
    """A task that could be assigned, and since when."""

    task: UUID
    since: datetime


def list_decisions(
    due: Matters | None = None,
    builders: list[Any] | None = None,
    *,
    limit: int | None = None,
    decides: bool = True,
) -> list[Decision]:
    """List what waits, the most costly to leave first: what it holds up, then its age.

    Without `decides` nothing is offered: the cards are for somebody who reads. Whoever has asked
    already what is due, or for the builders, hands it on.
    """
    due = count_matters() if due is None else due
    builders = list(with_last_words(with_verdict())) if builders is None else builders
    found = [*_decisions(due, builders)]
    reach = Reach((decision.entity for decision in found), builders)
    for decision in found:
        decision.held = reach.of(decision.entity, idle=decision.idle, tasks=decision.tasks)
        if not decides:
            decision.offers = []
    listed = sorted(found, key=attrgetter("rank"))[: limit or LISTED]
    offered: set[str] = set()
    for decision in listed:  # two troubles of one task: what is done with the task is offered once
        decision.offers = [offer for offer in decision.offers if offer.key not in offered]
        offered |= {offer.key for offer in decision.offers}
    return listed


def _decisions(due: Matters, builders: list[Any]) -> Iterator[Decision]:
    def rows_of(name: str, rows: QuerySet[Any]) -> list[Any]:
        """Return the rows of one set; where there are none, nothing is asked."""
        keys = due.rows.get(name, [])[:WEIGHED]
        return list(rows.filter(pk__in=keys)) if keys else []

    unresolved, claimed = GovernanceViolation.objects.unresolved(), CompletionClaim.objects.all()
    violations = rows_of("violation", unresolved.order_by("detected_at"))
    blockers = rows_of("blocker", Blocker.objects.open().order_by("detected_at"))
    claims = rows_of("claim", claimed.order_by("claimed_at"))
    ready = to_assign() if due.rows.get("staff") else []

    def due_among(name: str, kind: str) -> list[tuple[str, UUID]]:
        return [(kind, UUID(key)) for key in due.rows.get(name, [])[:WEIGHED]]

    plans, waves = due_among("plan", "program"), due_among("wave", "wave")
    unwell = [key for kind in ENTITIES for key in due_among(f"unwell {kind}", kind)]
    # What they are about is looked up for all of them at once.
    tasks = [row.task_id for row in (*violations, *claims) if row.task_id]
    tasks += [each.task for wave in ready for each in wave[:OFFERED_AT_ONCE]]
    found = find_names(
        [
            *(*plans, *waves, *unwell),
            *(("task", key) for key in tasks),
            *((blocker.entity_type, blocker.entity_id) for blocker in blockers),
        ]
    )

    def those(keys: list[tuple[str, UUID]]) -> list[Any]:
        return [found[key] for key in keys if key in found]

    yield from _builders(due, builders)
    yield from _violations(violations, found)
    yield from _blockers(blockers, found)
    yield from _claims(claims, found)
    yield from _plans(those(plans), those(waves))
    yield from _assignments(ready, found, builders)
    yield from _unwell(those(unwell), builders)


def _builders(due: Matters, builders: list[Any]) -> Iterator[Decision]:
    silent, spinning = (due.rows.get(name, ()) for name in ("silent", "spinning"))
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


def _violations(violations: list[GovernanceViolation], found: Found) -> Iterator[Decision]:
    for violation in violations:
        task: Any = found.get(("task", violation.task_id))
        by = f" By {violation.builder_id}." if violation.builder_id else ""
        yield Decision(
            f"violation-{violation.pk}",
            "violation",
            f"Violation: {violation.violation_type}",
            task or violation.builder,
            f"{violation.description}{by}",
            "A rule that holds for all work was broken; what was built meanwhile is in doubt.",
            "The task stays halted, and cannot be completed."
            if task and task.state != Task.State.COMPLETED
            else "It stays unresolved.",
            violation.detected_at,
            [offer_resolution(violation)],
        )


def _blockers(blockers: list[Blocker], found: Found) -> Iterator[Decision]:
    for blocker in blockers:
        entity = found.get((blocker.entity_type, blocker.entity_id))
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


def _claims(claims: list[CompletionClaim], found: Found) -> Iterator[Decision]:
    for claim in claims:
        task: Any = found[("task", claim.task_id)]  # which no deletion takes away
        answers = [Condition(**answer) for answer in claim.conditions]
        unmet = [answer for answer in answers if not answer.met]
        yield Decision(
            f"claim-{claim.pk}",
            "not-passed",
            "Claim of “done” refused",
            task,
            f"{claim.builder_id} says that it is done. {len(answers) - len(unmet)} of"
            f" {len(answers)} conditions held then.",
            "A claim is no proof: what is unmet is what a user would have found.",
            "The builder goes on, and claims again; the task is not completed.",
            claim.claimed_at,
            [
                *offers_to_complete(task),
                offer(task, "programs:task_send_back", "Send back", ReasonForm),
            ],
            conditions=unmet,
        )


def _plans(programs: list[Any], waves: list[Any]) -> Iterator[Decision]:
    for program in programs:
        yield Decision(
            f"program-{program.pk}",
            "planned",
            "Plan to approve",
            program,
            "The plan is whole: every wave has its tasks, and none waits for itself.",
            "Nothing of it begins without your word.",
            "Nothing starts.",
            program.created_at,
            offers_on(program)[:1],
            idle=True,
        )
    for wave in waves:
        yield Decision(
            f"wave-{wave.pk}",
            "planned",
            "Wave to start",
            wave,
            "Every wave that it waits for is completed.",
            "Its tasks can be assigned once it is under way.",
            "Its tasks, and the waves after it, wait.",
            max(wave.updated_at, wave.program.updated_at),
            offers_on(wave)[:1],
            idle=True,
        )


def _assignments(ready: list[list[Ready]], found: Found, builders: list[Any]) -> Iterator[Decision]:
    for tasks in ready:
        first = [("task", key) for key, _ in tasks[:OFFERED_AT_ONCE]]
        offered: list[Any] = [found[key] for key in first if key in found]
        if not offered:
            continue
        wave, number = offered[0].wave, min(len(tasks), READY)
        counted = some(number, "task") if len(tasks) == number else f"More than {number} tasks"
        begun = "is" if len(tasks) == 1 else "are"
        yield Decision(
            f"assign-{wave.pk}",
            "planned",
            "Work to give out",
            wave,
            f"{counted} {begun} ready: architecture ready, suite red, nothing in the way.",
            "A builder is idle while this could be built.",
            "Builders stay idle.",
            max(min(each.since for each in tasks), wave.updated_at),
            [offer_for(task, builders) for task in offered],
            idle=True,
            tasks=number,
        )


def to_assign() -> list[list[Ready]]:
    """Return the first tasks of each wave that could be assigned, as many as are counted."""
    waves = [map(json.loads, tasks) for (tasks,) in prepared.fetch(_first_to_assign()) if tasks]
    return [[Ready(UUID(key), datetime.fromisoformat(at)) for key, at in wave] for wave in waves]


@cache
def _first_to_assign() -> str:
    since = Greatest(
        latest(ArchitectureValidation, "validated_at"), latest(QAExecution, "executed_at")
    )
    first = attention.tasks_to_assign().order_by("created_at")[: READY + 1]
    waves = attention.waves_under_way().order_by("updated_at")[:WEIGHED]
    told = waves.values_list(ArraySubquery(first.values(told=JSONArray("pk", since))))
    return prepared.words(*told.query.sql_with_params())


def latest(model: type[Model], moment: str) -> Subquery:
    """When a task was last judged."""
    rows = model._default_manager.filter(task=OuterRef("pk")).order_by(f"-{moment}")
    return Subquery(rows.values(moment)[:1])


def offer_for(task: Task, builders: list[Any]) -> Offer:
    return offer_assignment(task, builders, f"Assign “{task}”")


def _unwell(rows: Iterable[Any], builders: list[Any]) -> Iterator[Decision]:
    for row in rows:
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
