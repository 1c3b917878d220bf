"""The filters of the list of programs."""

from django_filters import FilterSet

from foreman_office.dashboard.filters import ArchivedFilter, DueFilter, NameFilter, StateFilter
from foreman_office.dashboard.programs.open_blockers import BlockersFilter
from programs.models import Program, State


class ProgramFilter(FilterSet):
    q = NameFilter()
    state = StateFilter(State)
    due = DueFilter()
    archived = ArchivedFilter()
    blockers = BlockersFilter(
        label="Open blockers", choices=[("some", "Some"), ("none", "None")], empty_label="any"
    )

    class Meta:
        model = Program
        fields: list[str] = []
