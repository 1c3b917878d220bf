"""How many decisions waited when, and how long: by the notices that sweeps keep of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from django.db.models import Q

from governance.models import Notice
from kit.web.charts import Chart, Point, Scale, Series
from kit.web.time_axis import TimeAxis

LOOKED_BACK = timedelta(days=7)
MOST = 5_000  # notices, the newest: a week has hundreds

type Span = tuple[datetime, datetime | None, bool]


class Waiting(NamedTuple):
    """How many decisions waited over the time looked back on, and how long the settled ones did."""

    chart: Chart | None  # None where nothing waited, or nobody looked
    settled: int
    median: timedelta | None
    days: int = LOOKED_BACK.days


def waiting_over_time(at: datetime) -> Waiting:
    start = at - LOOKED_BACK
    notices = Notice.objects.filter(Q(closed_at=None) | Q(closed_at__gt=start))
    spans: list[Span] = list(
        notices.order_by("-opened_at").values_list("opened_at", "closed_at", "broken")[:MOST]
    )
    took = [closed - opened for opened, closed, _ in spans if closed]
    if not spans:
        return Waiting(None, 0, None)
    begins = max(start, min(opened for opened, _, _ in spans))
    axis = TimeAxis(begins, at)
    everything = number_at_once(((opened, closed) for opened, closed, _ in spans), axis)
    broken = number_at_once(((opened, closed) for opened, closed, bad in spans if bad), axis)
    most, now = max(point.value for point in everything), everything[-1].value
    chart = Chart(
        "waiting",
        axis,
        Scale.of_counts(most),
        f"Decisions that waited: {now:g} now, {most:g} at most. {axis.caption}.",
        series=[
            Series("All", everything, "running", "step", filled=True),
            Series("Broken now", broken, "failed", "step"),
        ],
        measured="waiting",
    )
    return Waiting(chart, len(took), median(took) if took else None)


def number_at_once(
    spans: Iterable[tuple[datetime, datetime | None]], axis: TimeAxis
) -> list[Point]:
    """Return how many of these spans there were at once, from the start of an axis to its end."""
    changes: dict[datetime, int] = {axis.start: 0}
    for opened, closed in spans:
        opened = max(opened, axis.start)
        changes[opened] = changes.get(opened, 0) + 1
        if closed:
            changes[closed] = changes.get(closed, 0) - 1
    number, points = 0, []
    for moment in sorted(changes):
        number += changes[moment]
        points.append(Point(moment, number))
    return [*points, *([Point(axis.end, number)] if points[-1].at < axis.end else [])]
