"""The cards of the inbox: what is broken now, and what waits for a decision.

What is broken comes first and whole; of what waits, what holds up most, then the oldest.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Greatest, JSONArray

from builders.models import Question
from foreman_office.dashboard.available_actions import (
    emphasize,
    offer_assignment,
    offer_to_send_back,
    offers_on,
)
from foreman_office.dashboard.builders.queries import with_last_words, with_verdict
from foreman_office.dashboard.explain import pending
from foreman_office.dashboard.explain.impact import ImpactCalculator
from foreman_office.dashboard.explain.problems import (
    OpenProblem,
    blocker_problem,
    builder_problem,
    claim_problem,
    question_problem,
    unwell_problem,
    violation_problem,
)
from foreman_office.dashboard.inbox.acknowledgements import add_notices, offer_marks
from foreman_office.dashboard.inbox.ahead import ahead_problems
from foreman_office.dashboard.inbox.budgets import budget_problem
from foreman_office.dashboard.inbox.deliveries import delivery_problems
from foreman_office.dashboard.inbox.late_programs import late_problems
from foreman_office.dashboard.inbox.not_ready import describe_waves, not_ready_problem
from foreman_office.dashboard.inbox.pending_decisions import BROKEN, PendingCounts, count_pending
from governance.entities import find_names
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Budget,
    CompletionClaim,
    Delivery,
    GovernanceViolation,
    QAExecution,
)
from kit.core import prepared_query
from kit.web.templatetags.numbers import some
from programs.models import Program, State, Task, TaskState

type WhatWaits = Mapping[tuple[str, UUID], Model]

LISTED = 6  # cards of what waits
WEIGHED = 50  # rows of each set of what waits that are read for them
ENTITIES = ["program", "wave", "task"]
OFFERED_AT_ONCE = 3  # tasks of one wave that a card offers to assign
READY = 5  # tasks of one wave that are counted as ready: each is asked whether its gate is open


class Ready(NamedTuple):
    """A task that could be assigned, and since when."""

    task: UUID
    since: datetime


class Bands(NamedTuple):
    """What is broken now, all of it; and what waits for a decision, as much as is shown.

    What is snoozed is counted alone.
    """

    broken: list[OpenProblem]
    waiting: list[OpenProblem]
    snoozed_broken: int = 0
    snoozed_waiting: int = 0


def list_bands(
    due: PendingCounts, builders: list[Any], *, limit: int | None = None, decides: bool = True
) -> Bands:
    """List what the inbox shows. Without `decides` no act is offered: the user only reads."""
    found = list_decisions(due, builders)
    awake = [each for each in found if not each.snoozed]
    broken = [each for each in awake if each.broken]
    waiting = [each for each in awake if not each.broken][: limit or LISTED]
    finish([*broken, *waiting], builders, decides=decides)
    snoozed = [each.broken for each in found if each.snoozed]
    return Bands(broken, waiting, snoozed.count(True), snoozed.count(False))


def list_decisions(
    due: PendingCounts | None = None,
    builders: list[Any] | None = None,
    *,
    weighed: int = WEIGHED,
) -> list[OpenProblem]:
    """List all that is broken, then all that waits, each by what it holds up and by its age.

    `finish` completes those that are shown.
    """
    due = count_pending() if due is None else due
    builders = read_builders() if builders is None else builders
    found = [*_decisions(due, builders, weighed)]
    reach = ImpactCalculator((problem.entity for problem in found), builders)
    for problem in found:
        problem.held = reach.of(problem.entity, idle=problem.idle, tasks=problem.tasks)
        problem.broken = problem.kind in BROKEN
    add_notices(found)
    return sorted(found, key=attrgetter("weight"), reverse=True)


def read_builders() -> list[Any]:
    return list(with_last_words(with_verdict()))


def finish(shown: list[OpenProblem], builders: list[Any], *, decides: bool) -> None:
    """Read the details of the cards that are shown, and offer each act once on a page."""
    describe_waves([each for each in shown if each.kind == "stuck"], builders)
    if decides:
        offer_marks(shown)
    offered: set[str] = set()
    for problem in shown:
        left = [each for each in problem.offers if each.key not in offered]
        problem.offers = left if decides else []
        problem.links = problem.links if decides else []
        offered |= {each.key for each in left}


def _decisions(due: PendingCounts, builders: list[Any], weighed: int) -> Iterator[OpenProblem]:
    def keys_of(name: str) -> list[str]:
        keys = due.rows.get(name, [])
        return keys if name in BROKEN else keys[:weighed]

    def rows_of(name: str, rows: QuerySet[Any]) -> list[Any]:
        """Return the rows of one set; where there are none, nothing is asked."""
        keys = keys_of(name)
        return list(rows.filter(pk__in=keys)) if keys else []

    unresolved, claimed = GovernanceViolation.objects.unresolved(), CompletionClaim.objects.all()
    opened = Blocker.objects.open().order_by("detected_at")
    violations = rows_of("violation", unresolved.order_by("detected_at"))
    blockers = [*rows_of("stall", opened), *rows_of("blocker", opened)]
    claims = rows_of("claim", claimed.order_by("claimed_at"))
    questions = rows_of("question", Question.objects.order_by("asked_at"))
    unheard = rows_of("delivery", Delivery.objects.order_by("queued_at"))
    owned = Budget.objects.select_related("program", "builder").order_by("set_at")
    budgets = rows_of("budget", owned)
    late = rows_of("late", Program.objects.order_by("created_at"))
    ready = to_assign(weighed) if due.rows.get("staff") else []

    def due_among(name: str, kind: str) -> list[tuple[str, UUID]]:
        return [(kind, UUID(key)) for key in keys_of(name)]

    plans, waves = due_among("plan", "program"), due_among("wave", "wave")
    stuck, ahead = due_among("stuck", "wave"), due_among("ahead", "wave")
    unwell = [key for kind in ENTITIES for key in due_among(f"unwell {kind}", kind)]
    # What they are about is looked up for all of them at once.
    tasks = [row.task_id for row in (*violations, *claims, *questions) if row.task_id]
    tasks += [each.task for wave in ready for each in wave[:OFFERED_AT_ONCE]]
    found = find_names(
        [
            *(*plans, *waves, *stuck, *ahead, *unwell),
            *(("task", key) for key in tasks),
            *((blocker.entity_type, blocker.entity_id) for blocker in blockers),
        ]
    )

    def those(keys: list[tuple[str, UUID]]) -> list[Any]:
        return [found[key] for key in keys if key in found]

    yield from _builders(due, builders)
    yield from delivery_problems(unheard)
    for violation in violations:
        task = found.get(("task", violation.task_id))
        yield violation_problem(violation, task or violation.builder)
    for blocker in blockers:
        yield _blocker(blocker, found.get((blocker.entity_type, blocker.entity_id)))
    for claim in claims:  # of a task which no deletion takes away
        yield claim_problem(claim, found[("task", claim.task_id)])  # type: ignore[arg-type]
    for question in questions:
        yield question_problem(question, found[("task", question.task_id)])
    yield from map(budget_problem, budgets)
    yield from ahead_problems(those(ahead))
    yield from _plans(those(plans), those(waves))
    yield from _assignments(ready, found, builders)
    yield from map(not_ready_problem, those(stuck))
    yield from late_problems(late)
    yield from (unwell_problem(row, builders) for row in those(unwell))


def _builders(due: PendingCounts, builders: list[Any]) -> Iterator[OpenProblem]:
    for name in ("silent", "idle", "standstill"):
        for builder in builders:
            problem = builder.pk in due.rows.get(name, ()) and builder_problem(builder)
            if problem:
                yield problem


def _blocker(blocker: Blocker, entity: Any) -> OpenProblem:
    problem = blocker_problem(blocker, entity)
    if isinstance(entity, Task) and entity.state == State.BLOCKED:
        problem.offers += [each for each in offers_on(entity) if not each.target]
    return problem


def _plans(programs: list[Any], waves: list[Any]) -> Iterator[OpenProblem]:
    for program in programs:
        approve = offers_on(program)[0]
        yield OpenProblem(
            "plan",
            program,
            "",
            "planned",
            "Plan to approve",
            "The plan is complete: every wave has tasks and there are no cycles.",
            "Nothing starts until it is approved.",
            "It stays planned: nothing of it starts.",
            "Approve it, or send it back with a note.",
            program.created_at,
            emphasize([approve, offer_to_send_back(program)], target=State.IN_PROGRESS),
            idle=True,
        )
    for wave in waves:
        yield OpenProblem(
            "wave",
            wave,
            "",
            "planned",
            "Wave to start",
            "Every wave that it depends on is completed.",
            "Its tasks can be assigned once it is in progress.",
            "It stays planned: its tasks and the dependent waves wait.",
            "Start it.",
            max(wave.updated_at, wave.program.updated_at),
            emphasize(offers_on(wave)[:1], target=State.IN_PROGRESS),
            idle=True,
        )


def _assignments(
    ready: list[list[Ready]], found: WhatWaits, builders: list[Any]
) -> Iterator[OpenProblem]:
    for tasks in ready:
        first = [("task", key) for key, _ in tasks[:OFFERED_AT_ONCE]]
        offered: list[Any] = [found[key] for key in first if key in found]
        if not offered:
            continue
        wave, number = offered[0].wave, min(len(tasks), READY)
        counted = some(number, "task") if len(tasks) == number else f"More than {number} tasks"
        are = "is" if len(tasks) == 1 else "are"
        offers = [offer_assignment(task, builders, f"Assign “{task}”") for task in offered]
        yield OpenProblem(
            "staff",
            wave,
            "",
            "planned",
            "Ready to assign",
            f"{counted} {are} ready: architecture ready, suite red, nothing blocking.",
            "A builder is idle and could work on this.",
            "Nobody works on this, and builders stay idle.",
            "Assign a task to a builder that is idle.",
            max(min(each.since for each in tasks), wave.updated_at),
            emphasize(offers, target=TaskState.ASSIGNED),
            idle=True,
            tasks=number,
        )


def to_assign(waves: int) -> list[list[Ready]]:
    """Return the first tasks of each wave that could be assigned, as many as are counted."""
    rows = prepared_query.fetch(_first_to_assign(waves))
    found = [map(json.loads, tasks) for (tasks,) in rows if tasks]
    return [[Ready(UUID(key), datetime.fromisoformat(at)) for key, at in wave] for wave in found]


@cache
def _first_to_assign(number: int) -> str:
    since = Greatest(
        latest(ArchitectureValidation, "validated_at"), latest(QAExecution, "executed_at")
    )
    first = pending.tasks_to_assign().order_by("created_at")[: READY + 1]
    waves = pending.waves_under_way().order_by("updated_at")[:number]
    told = waves.values_list(ArraySubquery(first.values(told=JSONArray("pk", since))))
    return prepared_query.words(*told.query.sql_with_params())


def latest(model: type[Model], moment: str) -> Subquery:
    """Return when a task was last judged."""
    rows = model._default_manager.filter(task=OuterRef("pk")).order_by(f"-{moment}")
    return Subquery(rows.values(moment)[:1])
