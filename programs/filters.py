"""What lists of the plan can be asked for; each field is named one by one."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.forms import SearchInput
from django.http import HttpRequest
from django_filters import CharFilter, ChoiceFilter, FilterSet

from foreman_office.kit.listing import NamedRowFilter
from foreman_office.kit.search import matching
from programs.models import BuilderName, Program, State, Task, TaskState, Wave

UNFINISHED = "unfinished"
FOREMAN = "foreman"  # nobody else has the task


class NameFilter(CharFilter):
    """Finds rows by words of their name, each of which may be cut short."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            label="Name", widget=SearchInput({"placeholder": "Words of the name"}), **options
        )

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(matching(value))


class StateFilter(ChoiceFilter):
    """One state, or whatever is not completed."""

    def __init__(self, states: type[State] | type[TaskState], **options: Any) -> None:
        self.open = [state for state in states if state != states.COMPLETED]
        choices = [(UNFINISHED, "Unfinished"), *states.choices]
        super().__init__(label="State", choices=choices, empty_label="any", **options)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == UNFINISHED:
            return qs.filter(state__in=self.open)
        return qs.filter(state=value) if value else qs


class BuilderFilter(ChoiceFilter):
    """One of the builders, or the foreman: whose work is assigned to nobody."""

    def __init__(self, **options: Any) -> None:
        choices = [*BuilderName.choices, (FOREMAN, "foreman (nobody)")]
        super().__init__(label="Builder", choices=choices, empty_label="any", **options)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == FOREMAN:
            return qs.filter(assigned_builder=None)
        return qs.filter(assigned_builder=value) if value else qs


def waves_offered(request: HttpRequest) -> QuerySet[Wave]:
    """Return the waves of the program that is asked for, or of the wave's: never those of all."""
    waves = Wave.objects.order_by("sequence_number")
    if program := key(request.GET.get("program")):
        return waves.filter(program=program)
    if wave := key(request.GET.get("wave")):
        return waves.filter(program__waves=wave)
    return waves.none()


def key(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


class ProgramFilter(FilterSet):
    q = NameFilter()
    state = StateFilter(State)

    class Meta:
        model = Program
        fields: list[str] = []


class WaveTaskFilter(FilterSet):
    """What can be asked of the tasks of one wave."""

    q = NameFilter()
    state = StateFilter(TaskState)
    builder = BuilderFilter()

    class Meta:
        model = Task
        fields: list[str] = []


class TaskFilter(FilterSet):
    q = NameFilter()
    program = NamedRowFilter(
        label="Program",
        field_name="wave__program",
        queryset=Program.objects.order_by("name"),
        empty_label="any",
    )
    wave = NamedRowFilter(label="Wave", queryset=waves_offered, empty_label="any")
    state = StateFilter(TaskState)
    builder = BuilderFilter()

    class Meta:
        model = Task
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not (self.data.get("program") or self.data.get("wave")):
            self.filters["wave"].extra |= {"disabled": True, "empty_label": "choose a program"}
