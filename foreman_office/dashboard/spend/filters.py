"""The filters of what was spent; each field is named one by one."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django_filters import CharFilter, ChoiceFilter, FilterSet

from builders.models import UsageHour
from foreman_office.dashboard.filters import programs
from kit.web.listing import NamedRowFilter
from programs.models import BuilderName

GROUPS = {
    "model": "model",
    "builder": "builder",
    "program": "program",
    "wave": "wave",
    "task": "task",
    "day": "day",
}


class SpendFilter(FilterSet):
    """Where, whose, of which model, and since when; and what a row is."""

    by = ChoiceFilter(
        label="By", choices=[*GROUPS.items()], empty_label=None, method="in_any_group"
    )
    program = NamedRowFilter(
        label="Program", queryset=programs, field_name="task__wave__program", empty_label="any"
    )
    builder = ChoiceFilter(
        label="Builder", field_name="builder_id", choices=BuilderName, empty_label="any"
    )
    model = CharFilter(label="Model", field_name="model", lookup_expr="icontains")
    days = ChoiceFilter(
        label="Period",
        method="lately",
        empty_label=None,
        choices=[(str(days), f"the last {days} days") for days in (7, 30, 90, 365)],
    )

    class Meta:
        model = UsageHour
        fields: list[str] = []

    def lately(self, rows: QuerySet[Any], name: str, days: str) -> QuerySet[Any]:
        return rows.filter(hour__gte=now() - timedelta(days=int(days)))

    def in_any_group(self, rows: QuerySet[Any], name: str, group: str) -> QuerySet[Any]:
        return rows

    def keeps(self, row: Any) -> bool:
        """Return that a row is shown: those that are not were never summed up."""
        return True
