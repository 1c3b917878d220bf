"""The filters of tasks; each field is named one by one."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django_filters import ChoiceFilter, FilterSet

from foreman_office.dashboard.filters import (
    ArchivedFilter,
    DueFilter,
    NameFilter,
    StateFilter,
    as_key,
    programs,
)
from foreman_office.dashboard.tasks.latest_run_filter import LATEST_RUNS, LatestRunFilter
from kit.web.listing import NamedRowFilter
from programs.models import BuilderName, Task, TaskState, Wave

FOREMAN = "foreman"  # no builder has the task


class BuilderFilter(ChoiceFilter):
    """A filter by builder, assigned or planned; or by the foreman, whose work has no builder."""

    def __init__(self, **options: Any) -> None:
        choices = [*BuilderName.choices, (FOREMAN, "none (manual task)")]
        super().__init__(label="Builder", choices=choices, empty_label="any", **options)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == FOREMAN:
            return qs.filter(assigned_builder=None, planned_builder=None)
        planned = Q(assigned_builder=None, planned_builder=value)
        return qs.filter(Q(assigned_builder=value) | planned) if value else qs


def waves_offered(request: HttpRequest) -> QuerySet[Wave]:
    """Return the waves of the program, or of the wave's program, that is chosen: never all."""
    waves = Wave.objects.order_by("sequence_number")
    if program := as_key(request.GET.get("program")):
        return waves.filter(program=program)
    if wave := as_key(request.GET.get("wave")):
        return waves.filter(program__waves=wave)
    return waves.none()


class WaveTaskFilter(FilterSet):
    """The filters of the tasks of one wave."""

    q = NameFilter()
    state = StateFilter(TaskState)
    builder = BuilderFilter()
    due = DueFilter()
    qa = LatestRunFilter(label="Latest QA", choices=LATEST_RUNS, empty_label="any")

    class Meta:
        model = Task
        fields: list[str] = []


class TaskFilter(FilterSet):
    q = NameFilter()
    program = NamedRowFilter(
        label="Program",
        field_name="wave__program",
        queryset=programs,
        empty_label="any",
    )
    wave = NamedRowFilter(label="Wave", queryset=waves_offered, empty_label="any")
    state = StateFilter(TaskState)
    builder = BuilderFilter()
    due = DueFilter()
    qa = LatestRunFilter(label="Latest QA", choices=LATEST_RUNS, empty_label="any")
    archived = ArchivedFilter("wave__in")

    class Meta:
        model = Task
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not (self.data.get("program") or self.data.get("wave")):
            self.filters["wave"].extra |= {"disabled": True, "empty_label": "select a program"}
