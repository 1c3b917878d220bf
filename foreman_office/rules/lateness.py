"""When something is due: as a condition, the late work behind it, and what would meet it."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.urls import reverse

from foreman_office.rules.cases import Case, Details, RuleRow
from foreman_office.rules.rows import SHOWN, named
from governance.gates import Condition
from kit.web.templatetags.numbers import some
from kit.web.templatetags.times import day
from programs.models import Program, Task, Wave, today


def due_condition(entity: Program | Wave | Task) -> Condition:
    """Return whether an entity is in time, and how far its due date is away."""
    days = (entity.due_on - today()).days
    if days < 0:
        away = f"{some(-days, 'day')} ago"
    else:
        away = f"in {some(days, 'day')}" if days else "today"
    verb = "was" if entity.is_late else "is"
    return Condition(
        "in_time", not entity.is_late, f"It {verb} due on {day(entity.due_on)}, {away}."
    )


def late_within(entity: Program | Wave) -> tuple[Any, Any]:
    """Return the late waves and the late tasks of a program, or of a wave."""
    is_wave = isinstance(entity, Wave)
    inside = Q(wave=entity) if is_wave else Q(wave__program=entity)
    waves = Wave.objects.none() if is_wave else Wave.objects.late().filter(program=entity)
    return waves, Task.objects.late().filter(inside)


def late_rows(case: Case) -> list[RuleRow]:
    """Return the late waves, then the late tasks of a case, those due first before the others."""
    if isinstance(case.entity, Task):
        return []
    found = [row for rows in late_within(case.entity) for row in rows.order_by("due_on")[:SHOWN]]
    return named(found[:SHOWN])


def finish_or_postpone(case: Case, details: Details) -> Iterator[RuleRow]:
    entity = case.entity
    late = entity if entity.is_late else None
    if late is None and not isinstance(entity, Task):
        rows = [*late_within(entity)[0][:1], *late_within(entity)[1].order_by("due_on")[:1]]
        late = next(iter(rows), None)
    if late is not None:
        address = reverse(f"programs:{late._meta.model_name}_edit", args=[late.pk])
        yield RuleRow(f"Complete “{late}”, or set a later due date.", address)
