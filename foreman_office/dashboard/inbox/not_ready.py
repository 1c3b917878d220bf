"""Waves that are not ready: a card for each, with what its planned tasks lack."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BooleanField, Func
from django.urls import reverse

from foreman_office.dashboard.available_actions import (
    emphasize,
    is_able,
    offer_assignment,
    offer_to_start,
)
from foreman_office.dashboard.explain import pending
from foreman_office.dashboard.explain.problems import OpenProblem
from foreman_office.rules import Remedy, report_address, validation_address
from kit.web.templatetags.numbers import some
from programs.models import Task, TaskState

NAMED = 3  # tasks of a kind that a card leads to
READ = 500  # tasks that are read for the cards of one page


class IsMet(Func):
    """Whether the condition of one of the gates' functions is met, in a query."""

    template = "(SELECT bool_and(met) FROM %(function)s(%(expressions)s))"
    output_field = BooleanField()


class Lacks(NamedTuple):
    """The planned tasks of a wave by what they lack; those that lack nothing wait for a builder."""

    validation: list[Task]
    red_run: list[Task]
    builder: list[Task]
    manual: list[Task]  # which the foreman starts

    @property
    def words(self) -> str:
        parts = [
            (len(self.red_run), "a red run"),
            (len(self.validation), "an architecture validation"),
            (len(self.builder), "a builder that is idle"),
        ]
        said = [
            f"{some(number, 'task')} {'lacks' if number == 1 else 'lack'} {what}"
            for number, what in parts
            if number
        ]
        if self.manual:
            said.append(f"{some(len(self.manual), 'manual task')} can be started by hand")
        words = ", ".join(said)
        return f"{words[:1].upper()}{words[1:]}."


def not_ready_problem(wave: Any) -> OpenProblem:
    """Return the problem that no task of a wave is assignable. `describe` adds what they lack."""
    return OpenProblem(
        "stuck",
        wave,
        "",
        "blocked",
        "Not ready",
        "",
        "No task of the wave can be assigned as it is.",
        "The wave stays in progress, and none of its planned tasks starts.",
        "Give the tasks what they lack.",
        wave.updated_at,
        idle=True,
    )


def describe_waves(problems: Iterable[OpenProblem], builders: list[Any]) -> None:
    """Describe what the tasks of each wave lack, with links to the acts that provide it."""
    problems = list(problems)
    found = what_tasks_lack([problem.entity for problem in problems if problem.entity])
    for problem in problems:
        lacks = found[problem.entity.pk]  # type: ignore[union-attr]
        problem.happened = lacks.words
        problem.links = [
            *(
                Remedy(f"Upload a report for “{task}”", report_address(task))
                for task in lacks.red_run[:NAMED]
            ),
            *(
                Remedy(f"Validate the architecture of “{task}”", validation_address(task))
                for task in lacks.validation[:NAMED]
            ),
        ]
        assigned = [
            offer_assignment(task, builders, f"Assign “{task}”") for task in lacks.builder[:NAMED]
        ]
        started = [offer_to_start(task, f"Start “{task}”") for task in lacks.manual[:NAMED]]
        problem.offers = emphasize([*assigned, *started], target=TaskState.IN_PROGRESS)
        if lacks.builder and not any(map(is_able, builders)):
            problem.links.append(
                Remedy("See what the builders do", reverse("builders:builder_list"))
            )


def what_tasks_lack(waves: list[Any]) -> dict[UUID, Lacks]:
    """Read what the planned tasks of some waves lack, in one query."""
    found: dict[UUID, Lacks] = defaultdict(lambda: Lacks([], [], [], []))
    if not waves:
        return found
    by_key = {wave.pk: wave for wave in waves}
    tasks = (
        pending.unhindered()
        .filter(wave__in=by_key)
        .annotate(
            validated=IsMet("pk", function="governance_architecture_ready"),
            red=IsMet("pk", function="governance_suite_red"),
            startable=IsMet("pk", function="governance_gate_start_task"),
        )
        .order_by("created_at", "name")[:READ]
    )
    for task in tasks:
        lacks = found[task.wave_id]
        task.wave = by_key[task.wave_id]
        by_hand = not (task.assigned_builder or task.qa_suite_location)
        if by_hand and task.startable:  # type: ignore[attr-defined]
            lacks.manual.append(task)
            continue
        if not task.validated:  # type: ignore[attr-defined]
            lacks.validation.append(task)
        if not task.red:  # type: ignore[attr-defined]
            lacks.red_run.append(task)
        if task.validated and task.red:  # type: ignore[attr-defined]
            lacks.builder.append(task)
    return found
