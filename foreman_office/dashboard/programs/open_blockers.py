"""How many open blockers each program of a list has inside it."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Case, Count, F, OuterRef, QuerySet, Subquery, UUIDField, When
from django_filters import ChoiceFilter

from governance.models import Blocker
from programs.models import Program, Task, Wave


def blockers_by_program() -> QuerySet[Blocker]:
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


def annotate_open_blockers(programs: Iterable[Any]) -> None:
    """Set each program's number of `open_blockers`."""
    rows = blockers_by_program().values_list("program").annotate(number=Count("pk")).order_by()
    counts = dict(rows)
    for program in programs:
        program.open_blockers = counts.get(program.pk, 0)


class BlockersFilter(ChoiceFilter):
    def filter(self, qs: QuerySet[Program], value: str) -> QuerySet[Program]:
        held_up = blockers_by_program().values("program")
        if value == "some":
            return qs.filter(pk__in=held_up)
        return qs.exclude(pk__in=held_up) if value == "none" else qs
