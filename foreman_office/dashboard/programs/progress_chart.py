"""The progress of a program over time, from the evidence."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models.fields.json import KT
from django.utils.dateparse import parse_datetime

from governance.models import COMPLETIONS, Evidence
from kit.web.charts import Chart, Point, Scale, Series
from kit.web.time_axis import TimeAxis
from programs.models import Program, Task

COMPLETED = Task.State.COMPLETED


def completions(program: Program) -> list[Point]:
    """Return how many of the program's tasks were completed, each time that changed.

    Imported records count at their own times, not at that of the import.
    """
    count, points = 0, list[Point]()
    for at, change in sorted(completion_changes(program)):
        count += change
        if points and points[-1].at == at:
            points.pop()
        points.append(Point(at, count))
    return points


def completion_changes(program: Program) -> Iterator[tuple[datetime, int]]:
    """Return each moment at which a task became completed, or was so no longer."""
    rows = Evidence.objects.filter(
        COMPLETIONS, entity_id__in=Task.objects.filter(wave__program=program).values("pk")
    ).values_list(
        "timestamp",
        KT("context__to"),
        KT("context__snapshot__completed_at"),
        KT("context__changes__completed_at__1"),
        KT("context__import__program"),
    )
    for timestamp, state, made, changed, imported in rows:
        recorded = (made or changed) if imported else None
        at = (parse_datetime(recorded) if recorded else None) or timestamp
        yield at, 1 if state in (None, COMPLETED) else -1


def progress_chart(
    program: Program, axis: TimeAxis, total: int, now: datetime | None
) -> Chart | None:
    """Draw the completed tasks over the time of the timeline; None before the first."""
    points = completions(program)
    if not points:
        return None
    done, first = int(points[-1].value), Point(axis.start, 0)
    ends = [Point(axis.end, done)] if points[-1].at < axis.end else []
    series = Series(
        "Tasks completed",
        [*([first] if points[0].at > axis.start else []), *points, *ends],
        tone="done",
        drawn="step",
        filled=True,
    )
    return Chart(
        "progress-chart",
        axis,
        Scale.of_counts(max(total, done, 1)),
        f"Tasks completed over time: {done} of {total}. {axis.caption}.",
        series=[series],
        now=now,
        measured="tasks",
        goal=total,
        goal_words=f"{total:,} planned",
    )
