"""What was spent, summed up by what the reader asks for."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.db.models import F, QuerySet
from django.db.models.functions import TruncDay
from django.urls import reverse
from django.utils.timezone import localtime

from builders.models import UsageHour
from foreman_office.dashboard.spend.figures import SUMS, SpendRow, row_of

NO_TASK = "(no task)"
NO_MODEL = "(not named)"


class SpendGroup(NamedTuple):
    """The columns of a group's key and name, and the address of what it is."""

    key: Any
    name: Any
    address: Callable[[str], str]
    absent: str = NO_TASK


def page_of_key(view: str) -> Callable[[str], str]:
    return lambda key: reverse(view, args=[key])


def of_model(key: str) -> str:
    return ""


GROUPS: Mapping[str, SpendGroup] = {
    "model": SpendGroup(F("model"), F("model"), of_model, NO_MODEL),
    "builder": SpendGroup(F("builder_id"), F("builder_id"), page_of_key("builders:builder")),
    "program": SpendGroup(
        F("task__wave__program_id"), F("task__wave__program__name"), page_of_key("programs:program")
    ),
    "wave": SpendGroup(F("task__wave_id"), F("task__wave__name"), page_of_key("programs:wave")),
    "task": SpendGroup(F("task_id"), F("task__name"), page_of_key("programs:task")),
    "day": SpendGroup(TruncDay("hour"), TruncDay("hour"), of_model),
}


def spend_by(group: str, rows: QuerySet[UsageHour]) -> list[SpendRow]:
    """Return what the rows cost, summed up by the group."""
    by = GROUPS[group]
    found = rows.order_by().annotate(group=by.key, named=by.name)
    found = found.values("group", "named").annotate(**SUMS)
    return [
        row_of(
            each,
            key_text(each["group"]),
            key_text(each["named"]) or by.absent,
            by.address(each["group"]) if each["group"] else "",
        )
        for each in found
    ]


def key_text(value: Any) -> str:
    if value is None:
        return ""
    return f"{localtime(value):%Y-%m-%d}" if hasattr(value, "tzinfo") else str(value)
