"""What the judgement adds to the list of programs: how many open blockers each has inside it.

It hangs itself on the list from outside, so that the plan need not know who judges it.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from django.db.models import Case, Count, F, OuterRef, QuerySet, Subquery, UUIDField, When
from django_filters import ChoiceFilter

from governance.models import Blocker
from programs.filters import ProgramFilter
from programs.models import Program, Task, Wave
from programs.views import PROGRAM_COLUMNS, PROGRAM_DRESS


def open_blockers() -> QuerySet[Blocker]:
    """Return the open blockers, each with the `program` that it holds up."""
    waves = Wave.objects.filter(pk=OuterRef("entity_id"))
    tasks = Task.objects.filter(pk=OuterRef("entity_id"))
    return Blocker.objects.open().annotate(
        program=Case(
            When(entity_type="program", then=F("entity_id")),
            When(entity_type="wave", then=Subquery(waves.values("program"))),
            When(entity_type="task", then=Subquery(tasks.values("wave__program"))),
            output_field=UUIDField(),
        )
    )


def count_open_blockers(programs: Iterable[Any]) -> None:
    """Give each program its number of `open_blockers`."""
    rows = open_blockers().values_list("program").annotate(number=Count("pk")).order_by()
    counts = dict(rows)
    for program in programs:
        program.open_blockers = counts.get(program.pk, 0)


class BlockersFilter(ChoiceFilter):
    def filter(self, qs: QuerySet[Program], value: str) -> QuerySet[Program]:
        held_up = open_blockers().values("program")
        if value == "some":
            return qs.filter(pk__in=held_up)
        return qs.exclude(pk__in=held_up) if value == "none" else qs


def hang() -> None:
    ProgramFilter.base_filters["blockers"] = BlockersFilter(
        label="Open blockers", choices=[("some", "Some"), ("none", "None")], empty_label="any"
    )
    PROGRAM_DRESS.append(count_open_blockers)
    PROGRAM_COLUMNS["open_blockers"] = attrgetter("open_blockers")
