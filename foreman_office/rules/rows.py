"""The rows behind a condition, and the pages where it is explained or met."""

from collections.abc import Iterable
from typing import Any

from django.urls import NoReverseMatch, reverse

from foreman_office.rules.cases import Case, RuleRow
from kit.web.templatetags.times import exact
from programs.models import Program, State, Task

SHOWN = 10  # rows behind one condition


def nothing(case: Case) -> Iterable[RuleRow]:
    return ()


def link_to(row: Any) -> RuleRow:
    return RuleRow(str(row), row.get_absolute_url())


def named(rows: Iterable[Any]) -> list[RuleRow]:
    return [
        RuleRow(f"{row} ({row.get_state_display().lower()})", row.get_absolute_url())
        for row in rows
    ]


def open_blocker_rows(case: Case) -> list[RuleRow]:
    return [
        RuleRow(f"{row.get_classification_display()}: {row.description}", f"{case.here}#trouble")
        for row in case.blockers
    ]


def violation_rows(case: Case) -> list[RuleRow]:
    return [
        RuleRow(f"{row.violation_type}: {row.description}", f"{case.here}#trouble")
        for row in case.violations
    ]


def validation_rows(case: Case) -> list[RuleRow]:
    latest = case.entity.validations.order_by("-validated_at", "-recorded").first()
    return [RuleRow(f"Validation: {latest}", f"{case.here}#validations")] if latest else []


def run_rows(case: Case) -> list[RuleRow]:
    if not (run := case.run):
        return []
    address = reverse("governance:quality_run", args=[run.pk])
    return [RuleRow(f"Run of {exact(run.executed_at)}", address)]


def builder_rows(case: Case) -> list[RuleRow]:
    name = case.entity.assigned_builder
    return [RuleRow(name, why_address("builder", name))] if name else []


def unfinished_rows(rows: Any) -> list[RuleRow]:
    return named(rows.exclude(state=State.COMPLETED)[:SHOWN])


def tasks_under_way(program: Program) -> Any:
    """Return the tasks of a program that are assigned or in progress."""
    return Task.objects.running().filter(wave__program=program).order_by("name")


def why_address(kind: str, pk: Any) -> str:
    return reverse("governance:why", args=[kind, pk])


def act_address(view: str, task: Task, part: str) -> str:
    """Return where an act on a task is done; its page, where the office has no form for it."""
    try:
        return reverse(view, args=[task.pk])
    except NoReverseMatch:
        return f"{task.get_absolute_url()}#{part}"


def validation_address(task: Task) -> str:
    return act_address("programs:task_validate", task, "validations")


def report_address(task: Task) -> str:
    return act_address("programs:task_report", task, "runs")


def beat_rows(case: Case) -> list[RuleRow]:
    return [RuleRow("Heartbeats", f"{case.here}#heard")]


def held_rows(case: Case) -> list[RuleRow]:
    return named([case.entity.current_task]) if case.entity.current_task else []
