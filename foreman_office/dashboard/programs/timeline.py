"""When the waves of a program were worked on: bars over time, in which idle spans are folded."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models.functions import Coalesce
from django.utils.formats import date_format
from django.utils.timezone import localtime, now

from kit.web.time_axis import TimeAxis, TimeSpan, idle_spans, long_span
from programs.models import Program, State, Task, Wave

FOLDS = 12  # at most; the longest are folded
LEAST_IDLE = timedelta(hours=1)
TASKS = 100  # of an opened wave


class WorkedTime(NamedTuple):
    """When a task, or a whole wave, was worked on; `end` is None while that lasts."""

    started: datetime
    ended: datetime | None


@dataclass
class TimelineRow:
    """A line of the timeline: a wave or a task, and its bar."""

    entity: Any
    worked: WorkedTime
    x: str
    width: str
    opened: bool = False
    tasks: list["TimelineRow"] = field(default_factory=list)
    more: int = 0  # tasks that are not drawn

    @property
    def took(self) -> str:
        return long_span((self.worked.ended or now()) - self.worked.started)

    @property
    def words(self) -> str:
        start, end = (
            date_format(localtime(at), "j M Y H:i") if at else "now"
            for at in (self.worked.started, self.worked.ended)
        )
        return f"{start} to {end}, {self.took}"


@dataclass
class Timeline:
    axis: TimeAxis
    rows: list[TimelineRow]
    waiting: list[Wave]  # have not begun
    now: datetime | None

    @property
    def now_x(self) -> str:
        return self.axis.x(self.now) if self.now else ""

    @property
    def table(self) -> list[TimelineRow]:
        return [each for row in self.rows for each in (row, *row.tasks)]


def timeline_of(program: Program, waves: Sequence[Wave], opened: str = "") -> Timeline | None:
    """Draw the waves that have begun, and the tasks of the opened one; None before any has.

    A gap is folded if nothing is known to have happened in it for more than an hour and more than
    a tenth of the time worked.
    """
    moment = now()
    began = Coalesce("started_at", "completed_at")
    begun = Task.objects.filter(wave__program=program).annotate(began=began).exclude(began=None)
    worked: dict[object, list[WorkedTime]] = defaultdict(list)
    busy: list[TimeSpan] = []
    for wave, *times in begun.values_list("wave", "state", "began", "completed_at", "worked_at"):
        task = worked_on(*times)
        worked[wave].append(task)
        # That it goes on is not to say that something happens.
        busy.append(TimeSpan(task.started, task.ended or times[-1] or task.started))
    if not busy:
        return None

    ended = program.state == State.COMPLETED
    last = max(span.end for span in busy)
    axis = folded_axis(busy, last if ended else max(moment, last))
    rows = []
    for wave in waves:
        if wave.pk in worked:
            row = bar_of(wave, axis, whole(wave, worked[wave.pk]))
            if str(wave.pk) == opened:
                row.opened = True
                row.tasks, row.more = tasks_of(wave, begun, axis)
            rows.append(row)
    waiting = [wave for wave in waves if wave.pk not in worked]
    return Timeline(axis, rows, waiting, None if ended else moment)


def worked_on(
    state: str, began: datetime, completed: datetime | None, last: datetime | None
) -> WorkedTime:
    """Return when a task was worked on. If blocked or failed, it rests since its last progress."""
    if completed or state not in (State.BLOCKED, State.FAILED):
        return WorkedTime(began, completed)
    return WorkedTime(began, max(last or began, began))


def whole(wave: Wave, tasks: Iterable[WorkedTime]) -> WorkedTime:
    """Return when a wave was worked on: from its first task to its last, if that has ended."""
    tasks = list(tasks)
    ends = [task.ended for task in tasks if task.ended]
    open = wave.state == State.IN_PROGRESS or len(ends) < len(tasks)
    started = min(task.started for task in tasks)
    return WorkedTime(started, None if open else max(ends))


def folded_axis(busy: list[TimeSpan], end: datetime) -> TimeAxis:
    start = min(span.start for span in busy)
    gaps = idle_spans([*busy, TimeSpan(end, end)], LEAST_IDLE)
    at_work = (end - start) - sum((gap.end - gap.start for gap in gaps), timedelta())
    long = [gap for gap in gaps if gap.end - gap.start > at_work / 10]
    longest = sorted(long, key=lambda gap: gap.start - gap.end)[:FOLDS]
    return TimeAxis(start, end, longest)


def bar_of(entity: Any, axis: TimeAxis, worked: WorkedTime) -> TimelineRow:
    return TimelineRow(
        entity, worked, *axis.bar(TimeSpan(worked.started, worked.ended or axis.end))
    )


def tasks_of(wave: Wave, begun: Any, axis: TimeAxis) -> tuple[list[TimelineRow], int]:
    """Draw the first tasks of a wave, with the number of those that are left out."""
    tasks = list(begun.filter(wave=wave).order_by("began", "name")[: TASKS + 1])
    rows = [
        bar_of(task, axis, worked_on(task.state, task.began, task.completed_at, task.worked_at))
        for task in tasks[:TASKS]
    ]
    more = begun.filter(wave=wave).count() - TASKS if len(tasks) > TASKS else 0
    return rows, more
