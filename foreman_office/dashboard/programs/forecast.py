"""When a program or a wave will end, by the pace at which its tasks were finished lately.

The method is a Monte Carlo simulation of throughput. History is how many tasks of the same program
or wave were finished on each of the last 60 days (UTC), from the day its first task was started;
days on which nothing was finished count. A run draws days of this history at random, one for
tomorrow, one for the day after and so on, until as many tasks are finished as are left. The day on
which half of 400 runs have ended is p50, that on which 85 of 100 have is p85. What is drawn depends
on the program or wave and on the day alone, so the same question has the same answer all day, and
more tasks never end earlier. With fewer than five finished tasks there is no history to draw from.

The hit rate is that of the same method at the half-way points of the last twelve programs (or
waves) that were completed: a forecast held if its end came no later than p85.
"""

import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from math import ceil
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Min, QuerySet
from django.db.models.functions import TruncDate

from kit.core.sql import AmongThose
from programs.models import FINISHED, Program, State, Task, Wave, today

WINDOW = 60  # days of history
FEWEST = 5  # finished tasks in it
RUNS = 400
LONGEST = 1_000  # days; what takes longer is not foretold
REPLAYED = 12  # completed programs or waves by which the method is judged
DRAWN_AT_ONCE = 64
DAY = timedelta(days=1)


class Forecast(NamedTuple):
    """The days by which half, and 85 of 100, of the runs have ended, and each run's end."""

    half: date
    most: date
    ends: tuple[int, ...]  # in days from the day of the forecast, ascending

    def kept_by(self, due_on: date, on: date) -> int:
        """Return in how many of 100 runs everything is finished by a due date."""
        within = bisect_left(self.ends, (due_on - on).days + 1)
        return 100 * within // len(self.ends)


@dataclass(frozen=True)
class Outlook:
    """What is foretold of a program or wave, and from what; without a forecast, why there is none.

    `finished` are the tasks of the last `days` days. `replayed` earlier forecasts were judged, of
    which `held` held.
    """

    left: int
    finished: int
    days: int
    forecast: Forecast | None = None
    why_not: str = ""
    replayed: int = 0
    held: int = 0
    kept: int | None = None  # of 100 runs those that keep the due date


def foretell(seed: str, history: tuple[int, ...], left: int, on: date) -> Forecast | None:
    """Return when `left` tasks are finished at a pace; None if it is unknown or too slow to say."""
    if left < 1 or sum(history) < FEWEST:
        return None
    ends = ends_of_runs(f"{seed} {on}", history, left)
    half, most = (ends[ceil(RUNS * share) - 1] for share in (0.5, 0.85))
    if most > LONGEST:
        return None
    return Forecast(on + half * DAY, on + most * DAY, ends)


@lru_cache(maxsize=500)
def ends_of_runs(seed: str, history: tuple[int, ...], left: int) -> tuple[int, ...]:
    """Return after how many days each run ends, ascending; `LONGEST` + 1 for what takes longer."""
    source, ends = random.Random(seed), []  # noqa: S311 (a simulation, and no secret)
    for number in source.choices(range(2**32), k=RUNS):
        # Each run has its own source: how far one is drawn changes nothing about the others.
        run, done, days = random.Random(number), 0, 0  # noqa: S311
        while done < left and days < LONGEST:
            sums = list(accumulate(run.choices(history, k=DRAWN_AT_ONCE), initial=done))[1:]
            days += min(bisect_left(sums, left) + 1, DRAWN_AT_ONCE)
            done = sums[-1]
        ends.append(days if done >= left and days <= LONGEST else LONGEST + 1)
    return tuple(sorted(ends))


# --- of programs and waves ------------------------------------------------------------------------


def outlook(entity: Program | Wave) -> Outlook | None:
    """Return what is foretold of a program or wave; None of one that is finished or is empty."""
    if entity.state in FINISHED:
        return None
    on, tasks = today(), tasks_within([entity.pk], type(entity))
    left = unfinished(tasks)
    if not left:
        return None
    since = datetime.combine(on - (WINDOW - 1) * DAY, time(), UTC)
    recent = tasks.filter(state=State.COMPLETED, completed_at__gte=since)
    began = tasks.aggregate(began=Min("started_at"))["began"]
    history = by_day(finished_by_day(recent), began and began.date(), on)
    finished = sum(history)
    forecast = foretell(str(entity.pk), history, left, on)
    if forecast is None:
        return Outlook(left, finished, len(history), why_not=why_none(finished))
    verdicts = [*replayed(type(entity))]
    kept = forecast.kept_by(entity.due_on, on) if entity.due_on else None
    return Outlook(left, finished, len(history), forecast, "", len(verdicts), sum(verdicts), kept)


def why_none(finished: int) -> str:
    """Return why there is no forecast."""
    if finished >= FEWEST:
        return f"At its pace it takes longer than {LONGEST:,} days."
    were = "was" if finished == 1 else "were"
    return f"It needs {FEWEST} tasks finished in the last {WINDOW} days; {finished} {were}."


def tasks_within(keys: Iterable[UUID], model: type[Program | Wave]) -> QuerySet[Task]:
    if model is Wave:
        return Task.objects.filter(wave__in=keys)
    waves = Wave.objects.filter(program__in=keys).values("pk")
    return Task.objects.filter(AmongThose("wave", waves))


def unfinished(tasks: QuerySet[Task]) -> int:
    """Return how many tasks are not completed: also those that were abandoned, which must be."""
    return tasks.exclude(state=State.COMPLETED).count()


DAY_OF_END = TruncDate("completed_at", tzinfo=UTC)  # whatever zone the reader has chosen


def finished_by_day(tasks: QuerySet[Task]) -> Mapping[date, int]:
    days = tasks.annotate(day=DAY_OF_END).order_by().values_list("day")
    return dict(days.annotate(Count("pk")))


def by_day(finished: Mapping[date, int], began: date | None, on: date) -> tuple[int, ...]:
    """Return how many tasks were finished on each day of the history, up to `on`."""
    first = min([each for each in (began, *finished) if each], default=on)
    first = max(first, on - (WINDOW - 1) * DAY)
    return tuple(finished.get(first + n * DAY, 0) for n in range((on - first).days + 1))


# --- how often it was right -----------------------------------------------------------------------


def replayed(model: type[Program | Wave]) -> Iterator[bool]:
    """Yield of the last completed programs or waves whether a forecast at half way held."""
    completed = model.objects.filter(state=State.COMPLETED).order_by("-updated_at", "pk")
    keys = [*completed.values_list("pk", flat=True)[:REPLAYED]]
    if not keys:
        return
    of = "wave" if model is Wave else "wave__program"
    tasks = tasks_within(keys, model).filter(state=State.COMPLETED, completed_at__isnull=False)
    days = tasks.annotate(day=DAY_OF_END).order_by()
    rows = days.values_list(of, "day").annotate(number=Count("pk"), began=Min("started_at"))
    finished: dict[UUID, dict[date, int]] = {key: {} for key in keys}
    began: dict[UUID, date] = {}
    for key, day, number, started in rows:
        finished[key][day] = number
        if started:
            began[key] = min(began.get(key, started.date()), started.date())
    for key in keys:
        verdict = has_held(str(key), finished[key], began.get(key))
        if verdict is not None:
            yield verdict


def has_held(seed: str, finished: Mapping[date, int], began: date | None) -> bool | None:
    """Return whether the forecast of the day on which half was finished held; None without one."""
    total, done = sum(finished.values()), 0
    for day in sorted(finished):
        done += finished[day]
        if 2 * done >= total:
            break
    else:
        return None
    until = {each: number for each, number in finished.items() if each <= day}
    forecast = foretell(seed, by_day(until, began, day), total - done, day)
    return None if forecast is None else max(finished) <= forecast.most
