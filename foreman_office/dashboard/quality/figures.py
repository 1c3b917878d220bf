"""The quality of work across programs, in figures: few queries, bounded by a window of time."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum, Window
from django.utils.timezone import get_current_timezone_name, localtime

from governance.models import (
    ArchitectureValidation,
    LatestRun,
    QAExecution,
    QAStatus,
    QATestResult,
    Readiness,
)
from kit.web.charts import Bar, Chart, Point, Scale, Series
from kit.web.time_axis import TimeAxis, TimeSpan
from programs.models import Task

SHOWN = 8  # rows of each list on the page
LOOKED_AT = 2_000  # validations that are searched for what fails, the newest first

FLAKY = (
    "A test is flaky if it failed and then passed when it was retried in the same run, according to"
    " the report of the run. Reports that do not name their tests show no flaky tests."
)


class Now(NamedTuple):
    """The figures of the latest run of each suite, of those that ran within the window."""

    suites: int
    green: int
    partial: int
    red: int
    tests: int
    passing: int
    failing: int
    skipped: int
    debt: int
    in_debt: int
    red_suites: list[LatestRun]
    debtors: list[LatestRun]


class Slot(NamedTuple):
    """The figures of the runs of one day or hour, by the clock of the user's zone."""

    at: datetime
    runs: int
    green: int
    passing: int
    tests: int


class Judged(NamedTuple):
    """The number of validations of one day or hour, and how many of them were ready."""

    at: datetime
    all: int
    ready: int


class Flaky(NamedTuple):
    """A flaky test of a suite: how often, and in which run last."""

    name: str
    suite: str
    task: Any
    times: int
    last: datetime


class Item(NamedTuple):
    """An item of the checklist, and how many validations it did not pass."""

    section: str
    item: str
    times: int


def suites_now(latest: QuerySet[LatestRun]) -> Now:
    """Sum up the latest runs of suites, with the worst by name."""
    told = latest.aggregate(
        suites=Count("pk"),
        **{
            status.lower(): Count("pk", filter=Q(qa_status=status))
            for status in (QAStatus.GREEN, QAStatus.PARTIAL, QAStatus.RED)
        },
        tests=Sum("total_tests", default=0),
        passing=Sum("passing_tests", default=0),
        failing=Sum("failing_tests", default=0),
        skipped=Sum("skipped_tests", default=0),
        debt=Sum("test_debt_count", default=0),
        in_debt=Count("pk", filter=Q(test_debt_count__gt=0)),
    )
    named = latest.select_related("task__wave__program", "execution")
    red = named.filter(qa_status=QAStatus.RED).order_by("-executed_at", "pk")
    in_debt = named.filter(test_debt_count__gt=0).order_by("-test_debt_count", "-executed_at", "pk")
    return Now(
        **told,
        red_suites=list(red[:SHOWN]) if told["red"] else [],
        debtors=list(in_debt[:SHOWN]) if told["in_debt"] else [],
    )


def by_time(runs: QuerySet[QAExecution], unit: str, first: datetime, last: datetime) -> list[Slot]:
    told = runs.values_list("executed_at", "qa_status", "passing_tests", "total_tests")
    sums = "count(*), count(*) FILTER (WHERE said = 'GREEN'), sum(passing), sum(tests)"
    return [Slot(*slot) for slot in in_slots(told, "said, passing, tests", sums, unit, first, last)]


def judged_by_time(
    validations: QuerySet[ArchitectureValidation], unit: str, first: datetime, last: datetime
) -> list[Judged]:
    told = validations.values_list("validated_at", "build_readiness")
    sums = "count(*), count(*) FILTER (WHERE said = 'READY')"
    return [Judged(*slot) for slot in in_slots(told, "said", sums, unit, first, last)]


# A day is one of the reader's zone, and may have 23 or 25 hours. (PostgreSQL 15 has no series of
# moments in a zone.)
SLOTS = {
    "day": """
        SELECT day AT TIME ZONE zone, (day + interval '1 day') AT TIME ZONE zone
        FROM generate_series(
            date_trunc('day', first AT TIME ZONE zone), last AT TIME ZONE zone, interval '1 day'
        ) AS day
    """,
    "hour": """
        SELECT hour, hour + interval '1 hour'
        FROM generate_series(date_trunc('hour', first, zone), last, interval '1 hour') AS hour
    """,
}


def in_slots(
    rows: QuerySet[Any], columns: str, sums: str, unit: str, first: datetime, last: datetime
) -> Iterator[tuple[Any, ...]]:
    """Sum up rows, whose first column is a moment, by day or hour of the user's zone.

    Each is looked up by itself in the order that an index has, and nothing is sorted.
    """
    question, params = rows.order_by().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT slot, told.*
            FROM (VALUES (%s, %s::timestamptz, %s::timestamptz)) AS reader (zone, first, last)
            CROSS JOIN LATERAL ({SLOTS[unit]}) AS slots (slot, ended)
            CROSS JOIN LATERAL (
                SELECT {sums} FROM ({question}) AS row (moment, {columns})
                WHERE moment >= slot AND moment < ended
            ) AS told (number)
            WHERE number > 0 ORDER BY slot
            """,  # noqa: S608  the query of a queryset, and our own words
            [get_current_timezone_name(), first, last, *params],
        )
        for moment, *told in cursor.fetchall():
            yield localtime(moment), *told


def flaky_tests(runs: QuerySet[QAExecution]) -> tuple[int, list[Flaky]]:
    """Return how many tests were flaky in these runs, and those that were most often."""
    tests = (
        QATestResult.objects.filter(flaky=True, execution__in=runs.order_by().values("pk"))
        .order_by()
        .values("execution__task_id", "execution__qa_suite_location", "name")
        .annotate(times=Count("pk"), last=Max("execution__executed_at"), number=Window(Count("*")))
    )
    most = list(tests.order_by("-times", "-last", "name")[:SHOWN])
    number = most[0]["number"] if most else 0
    tasks = Task.objects.in_bulk([each["execution__task_id"] for each in most])
    return number, [
        Flaky(
            each["name"],
            each["execution__qa_suite_location"],
            tasks[each["execution__task_id"]],
            each["times"],
            each["last"],
        )
        for each in most
    ]


def passed_before(runs: Iterable[QAExecution]) -> dict[UUID, int | None]:
    """Return of each run how many tests passed in the run of its suite before it."""
    before = QAExecution.objects.filter(
        Q(arrived_at__lt=OuterRef("arrived_at"))
        | Q(arrived_at=OuterRef("arrived_at"), recorded__lt=OuterRef("recorded")),
        task=OuterRef("task"),
        qa_suite_location=OuterRef("qa_suite_location"),
    ).order_by("-arrived_at", "-recorded")
    told = QAExecution.objects.filter(pk__in=[run.pk for run in runs])
    return dict(told.values_list("pk", Subquery(before.values("passing_tests")[:1])))


def failing_items(validations: QuerySet[ArchitectureValidation]) -> list[Item]:
    """Return the items of the checklist that most of the newest validations did not pass."""
    newest = validations.filter(build_readiness=Readiness.NOT_READY).order_by("-validated_at")
    rows, params = newest.values("validation_results")[:LOOKED_AT].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH judged (results) AS ({rows})
            SELECT section.key, item.key, count(*)
            FROM judged
            CROSS JOIN LATERAL jsonb_each(
                CASE jsonb_typeof(results) WHEN 'object' THEN results ELSE '{{}}' END) AS section
            CROSS JOIN LATERAL jsonb_each(
                CASE jsonb_typeof(section.value) WHEN 'object' THEN section.value ELSE '{{}}' END
            ) AS item
            WHERE item.value <> 'true'
            GROUP BY section.key, item.key
            ORDER BY count(*) DESC, section.key, item.key LIMIT {SHOWN}
            """,  # noqa: S608  the query of a queryset, and our own number
            params,
        )
        return [Item(*row) for row in cursor.fetchall()]


# --- over time ------------------------------------------------------------------------------------


HOURLY = timedelta(days=2)  # what is younger is told by the hour


class Trend(NamedTuple):
    """Pass rates by day or hour, the number of runs behind them, and their totals."""

    unit: str
    # None where there is no second point for a line to go to, nor column to compare with.
    rates: Chart | None
    volume: Chart | None
    runs: int
    green: int
    judged: int
    ready: int


def trend(
    runs: QuerySet[QAExecution], validations: QuerySet[ArchitectureValidation], at: datetime
) -> Trend:
    """Draw how runs and validations have ended, from the first of them until a moment."""
    firsts = (
        runs.aggregate(first=Min("executed_at"))["first"],
        validations.aggregate(first=Min("validated_at"))["first"],
    )
    first = min((moment for moment in firsts if moment), default=at)
    unit = "hour" if at - first < HOURLY else "day"
    slots = by_time(runs, unit, first, at)
    judged = judged_by_time(validations, unit, first, at)
    number, green = sum(slot.runs for slot in slots), sum(slot.green for slot in slots)
    asked, ready = sum(slot.all for slot in judged), sum(slot.ready for slot in judged)
    begins = min((slot.at for slot in (*slots, *judged)), default=at)
    axis = TimeAxis(begins, at)
    return Trend(
        unit=unit,
        rates=_rates(axis, unit, slots, judged) if max(len(slots), len(judged)) > 1 else None,
        volume=_volume(axis, unit, slots) if any(slot.at > begins for slot in slots) else None,
        runs=number,
        green=green,
        judged=asked,
        ready=ready,
    )


def _rates(axis: TimeAxis, unit: str, slots: list[Slot], judged: list[Judged]) -> Chart:
    series = [
        Series(
            label, [Point(at, share_in_percent(part, whole)) for at, part, whole in shares], tone
        )
        for label, tone, shares in (
            ("Tests passing", "done", [(s.at, s.passing, s.tests) for s in slots if s.tests]),
            ("Runs green", "running", [(s.at, s.green, s.runs) for s in slots]),
            ("Validations ready", "assigned", [(s.at, s.ready, s.all) for s in judged]),
        )
    ]
    said = (
        f"{each.label.lower()} from {each.points[0].value:g} % to {each.points[-1].value:g} %"
        for each in series
        if each.points
    )
    return Chart(
        key="rates",
        axis=axis,
        scale=Scale(100, " %"),
        summary=f"Pass rates per {unit}: {', '.join(said)}.",
        series=series,
        told=unit.capitalize(),
    )


def _volume(axis: TimeAxis, unit: str, slots: list[Slot]) -> Chart:
    length = timedelta(**{f"{unit}s": 1})
    form = "%-d %b" if unit == "day" else "%-d %b %H:%M"
    return Chart(
        key="volume",
        axis=axis,
        scale=Scale(max(slot.runs for slot in slots)),
        summary=f"QA runs per {unit}: {sum(slot.runs for slot in slots):,} in all.",
        bars=[
            Bar(
                TimeSpan(slot.at, min(slot.at + length, axis.end)),
                slot.runs,
                f"{slot.at:{form}}: {slot.runs:,} runs, {slot.green:,} green",
                "quiet",
            )
            for slot in slots
        ],
        told=unit.capitalize(),
        counted="Runs",
    )


def share_in_percent(part: int, whole: int) -> float:
    """Return a share in percent to one place, and 100 only where it is the whole."""
    return 100.0 if part == whole else min(round(100 * part / whole, 1), 99.9)
