"""What work has cost: as agents tell it, and where they do not, by the price list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDay
from django.utils.timezone import localtime, now

from builders.models import UsageHour, UsageKind
from builders.prices import PriceListError, price_list
from governance.models import LatestRun, QAStatus
from kit.web.charts import Bar, Chart, Scale
from kit.web.templatetags.numbers import money
from kit.web.time_axis import TimeAxis, TimeSpan
from programs.models import Program, Task, Wave

# What the panel of a builder looks back on; of a plan everything counts.
LATELY = timedelta(days=30)


def sum_of(*kinds: UsageKind) -> Sum:
    return Sum("amount", filter=Q(kind__in=kinds), default=0)


NOT_TOLD = Q(usage_session__cost_from=0)
SUMS = {
    "told": sum_of(UsageKind.COST),
    "estimated": Sum("estimate", filter=NOT_TOLD, default=0),
    "unpriced": Sum("unpriced", filter=NOT_TOLD, default=0),
    "tokens_in": sum_of(UsageKind.INPUT, UsageKind.TOOL, UsageKind.OTHER),
    "cache_read": sum_of(UsageKind.CACHE_READ),
    "cache_written": sum_of(UsageKind.CACHE_WRITE),
    "tokens_out": sum_of(UsageKind.OUTPUT, UsageKind.REASONING),
}


class SpendRow(NamedTuple):
    """What something cost in US dollars, and its tokens."""

    key: str
    name: str
    url: str
    told: Decimal  # by the agents
    estimated: Decimal  # by the price list, of what agents told no cost
    unpriced: int  # tokens of which nothing is known
    tokens_in: int
    cache_read: int
    cache_written: int
    tokens_out: int

    @property
    def cost(self) -> float:
        return float(self.told + self.estimated)


def row_of(sums: dict[str, Any], key: str = "", name: str = "", url: str = "") -> SpendRow:
    tokens = (int(sums[each]) for each in [*SUMS][2:])
    return SpendRow(key, name, url, sums["told"], sums["estimated"], *tokens)


@dataclass(frozen=True)
class Spend:
    """What rows of usage cost, by model."""

    rows: QuerySet[UsageHour]

    @cached_property
    def models(self) -> list[SpendRow]:
        found = self.rows.order_by().values("model").annotate(**SUMS)
        told = [row_of(each, each["model"], each["model"]) for each in found]
        return sorted(told, key=lambda row: (-row.cost, row.name))

    @cached_property
    def whole(self) -> SpendRow:
        return total_of(self.models)


def total_of(rows: Sequence[SpendRow]) -> SpendRow:
    """Return the sum of rows."""
    zero = Decimal(0)
    sums = [sum((row[place] for row in rows), zero) for place in range(3, len(SpendRow._fields))]
    return row_of(dict(zip(SUMS, sums, strict=True)))


def usage_of(entity: Any) -> QuerySet[UsageHour]:
    """Return what was used for a task, wave or program, or by a builder lately."""
    counted = UsageHour.objects.counted()
    if isinstance(entity, Task):
        return counted.filter(task=entity)
    if isinstance(entity, Wave):
        return counted.filter(task__wave=entity)
    if isinstance(entity, Program):
        return counted.filter(task__wave__program=entity)
    return counted.filter(builder=entity, hour__gte=now() - LATELY)


def verified(tasks: QuerySet[Task]) -> QuerySet[Task]:
    """Return the tasks that are completed, and whose suite is green."""
    green = LatestRun.objects.filter(
        task=OuterRef("pk"),
        qa_suite_location=OuterRef("qa_suite_location"),
        qa_status=QAStatus.GREEN,
    )
    return tasks.filter(Exists(green), state=Task.State.COMPLETED)


def price_list_fault() -> str:
    """Return why nothing is estimated, or nothing."""
    try:
        price_list()
    except PriceListError as error:
        return str(error)
    return ""


def spend_trend(rows: QuerySet[UsageHour], start: datetime, end: datetime) -> Chart | None:
    """Draw what each day cost, by the reader's zone; None where nothing was spent."""
    sums = {name: SUMS[name] for name in ("told", "estimated")}
    days = rows.annotate(day=TruncDay("hour")).order_by("day").values("day").annotate(**sums)
    bars = [
        Bar(
            TimeSpan(each["day"], each["day"] + timedelta(days=1)),
            float(each["told"] + each["estimated"]),
            f"{localtime(each['day']):%-d %b}: {money(each['told'] + each['estimated'])}"
            + (f", {money(each['estimated'])} of it estimated" if each["estimated"] else ""),
            drawn="hatched" if each["estimated"] > each["told"] else "solid",
        )
        for each in days
        if each["told"] + each["estimated"]
    ]
    if not bars:
        return None
    axis = TimeAxis(min(start, bars[0].span[0]), max(end, bars[-1].span[1]))
    whole = sum(bar.value for bar in bars)
    return Chart(
        "spend-chart",
        axis,
        Scale(max(bar.value for bar in bars), unit=" $", places=2),
        f"US dollars per day: {money(whole)} in all. {axis.caption}.",
        bars=bars,
        told="Day",
        counted="US dollars",
    )
