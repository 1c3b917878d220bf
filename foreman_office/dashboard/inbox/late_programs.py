"""Programs with work past its due date: a decision for each, however much of it is late."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Min, Q
from django.urls import reverse

from foreman_office.dashboard.explain.problems import OpenProblem
from foreman_office.rules import Case, Remedy, explain, remedies
from governance.gates import Condition
from kit.web.templatetags.numbers import some
from kit.web.templatetags.times import day
from programs.models import NOT_FINISHED, Program, Task, Today, Wave


class LateWork(NamedTuple):
    """How much of one kind is late in a program, and since which due date."""

    number: int = 0
    first: date | None = None


def late_problems(programs: Iterable[Program]) -> list[OpenProblem]:
    """Return the problems of programs that are late, or have late waves or tasks."""
    found = list(programs)
    if not found:
        return []
    keys = [program.pk for program in found]
    waves = _late_work(Wave.objects.late(), "program", keys)
    tasks = _late_work(Task.objects.late(), "wave__program", keys)
    held = Task.objects.filter(NOT_FINISHED, wave__program__in=keys)
    held = held.filter(Q(due_on__lt=Today()) | Q(wave__due_on__lt=Today()))
    waiting = dict(held.order_by().values_list("wave__program").annotate(Count("pk")))
    nothing = LateWork()
    return [
        _late_problem(
            program,
            waves.get(program.pk, nothing),
            tasks.get(program.pk, nothing),
            waiting.get(program.pk, 0),
        )
        for program in found
    ]


def _late_work(rows: Any, program: str, keys: list[UUID]) -> dict[UUID, LateWork]:
    late = rows.filter(**{f"{program}__in": keys}).order_by().values_list(program)
    return {key: LateWork(*told) for key, *told in late.annotate(Count("pk"), Min("due_on"))}


def _late_problem(program: Program, waves: LateWork, tasks: LateWork, waiting: int) -> OpenProblem:
    firsts = [program.due_on if program.is_late else None, waves.first, tasks.first]
    first = min(filter(None, firsts), default=program.created_at.date())
    inside = [
        some(late.number, noun) for late, noun in ((waves, "wave"), (tasks, "task")) if late.number
    ]
    are = "is" if waves.number + tasks.number == 1 else "are"
    said = f"{' and '.join(inside)} of it {are} past the due date." if inside else ""
    if program.is_late:
        said = f"The program was due on {day(program.due_on)}. {said}".strip()
    condition = Condition("in_time", False, f"The first was due on {day(first)}.")
    case = Case(program)
    links = [Remedy(f"See the late tasks ({tasks.number:,})", late_tasks(program))]
    return OpenProblem(
        "late",
        program,
        "",
        "late",
        "Past the due date",
        said,
        "People who wait for it were told another day.",
        "It stays late: a due date does not move by itself.",
        "Complete what is late, or set a due date that can be kept.",
        datetime.combine(first + timedelta(days=1), time(), UTC),
        conditions=[explain(condition, case)],
        links=[*remedies([condition], case), *(links if tasks.number else [])],
        tasks=None if program.is_late else waiting,
    )


def late_tasks(program: Program) -> str:
    """Return the address of the late tasks of a program."""
    return reverse("programs:task_list", query={"program": program.pk, "due": "late"})
