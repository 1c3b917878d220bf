"""Quality over time: runs by their status, regressions, refused claims, and times to green."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Min, QuerySet
from django.utils.timezone import get_current_timezone_name, localtime

from governance.models import CompletionClaim, QAExecution, SuiteTurn
from kit.web.charts import Bar, BarLayer, Chart, Scale
from kit.web.time_axis import TimeAxis, TimeSpan

# How long a bar is, by how long ago the first run was.
UNITS = [(timedelta(hours=3), "5 minutes"), (timedelta(days=2), "hour"), (timedelta.max, "day")]
STATUSES = (
    BarLayer("Green", "done"),
    BarLayer("Partial", "blocked", "hatched"),
    BarLayer("Red", "failed", "outline"),
)
SETBACKS = (
    BarLayer("Suites green no more", "failed"),
    BarLayer("Claims refused", "blocked", "hatched"),
)

# Of what a bar is about: the address of the runs of a span of time, or of its setbacks.
type AddressOf = Callable[..., str]


class Slot(NamedTuple):
    """How the runs of one span ended, by the clock of the user's zone."""

    at: datetime
    ends: datetime
    runs: int
    green: int
    partial: int
    red: int


class TimeToGreen(NamedTuple):
    """How long suites took from their first run that was not green to their next green one."""

    suites: int
    median: timedelta | None
    nine_in_ten: timedelta | None


class Trend(NamedTuple):
    """Runs, regressions and refused claims by day, hour or less, with their totals."""

    unit: str
    # None where there is nothing to draw.
    volume: Chart | None
    setbacks: Chart | None
    runs: int
    green: int
    regressions: int
    refused: int


def by_time(runs: QuerySet[QAExecution], unit: str, first: datetime, last: datetime) -> list[Slot]:
    told = runs.values_list("executed_at", "qa_status")
    sums = "count(*), " + ", ".join(
        f"count(*) FILTER (WHERE said = '{status}')" for status in ("GREEN", "PARTIAL", "RED")
    )
    return [Slot(*slot) for slot in in_slots(told, ["said"], sums, unit, first, last)]


def counted_by_time(
    rows: QuerySet[Any], moment: str, unit: str, first: datetime, last: datetime
) -> dict[tuple[datetime, datetime], int]:
    """Return how many rows there were in each span in which there were any."""
    slots = in_slots(rows.values_list(moment), [], "count(*)", unit, first, last)
    return {(at, ends): number for at, ends, number in slots}


# A day is one of the reader's zone, and may have 23 or 25 hours. (PostgreSQL 15 has no series of
# moments in a zone.)
SLOTS = {
    "day": """
        SELECT day AT TIME ZONE zone, (day + interval '1 day') AT TIME ZONE zone
        FROM generate_series(
            date_trunc('day', first AT TIME ZONE zone), last AT TIME ZONE zone, interval '1 day'
        ) AS day
    """,
    "5 minutes": """
        SELECT bin, bin + interval '5 minutes'
        FROM generate_series(
            date_bin('5 minutes', first, timestamptz '2000-01-01 00:00Z'), last,
            interval '5 minutes'
        ) AS bin
    """,
    "hour": """
        SELECT hour, hour + interval '1 hour'
        FROM generate_series(date_trunc('hour', first, zone), last, interval '1 hour') AS hour
    """,
}


def in_slots(
    rows: QuerySet[Any], columns: list[str], sums: str, unit: str, first: datetime, last: datetime
) -> Iterator[tuple[Any, ...]]:
    """Sum up rows, whose first column is a moment, by day or hour of the user's zone.

    Each is looked up by itself in the order that an index has, and nothing is sorted.
    """
    question, params = rows.order_by().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT slot, ended, told.*
            FROM (VALUES (%s, %s::timestamptz, %s::timestamptz)) AS reader (zone, first, last)
            CROSS JOIN LATERAL ({SLOTS[unit]}) AS slots (slot, ended)
            CROSS JOIN LATERAL (
                SELECT {sums} FROM ({question}) AS row ({", ".join(["moment", *columns])})
                WHERE moment >= slot AND moment < ended
            ) AS told (number)
            WHERE number > 0 ORDER BY slot
            """,  # noqa: S608  the query of a queryset, and our own words
            [get_current_timezone_name(), first, last, *params],
        )
        for moment, ended, *told in cursor.fetchall():
            yield localtime(moment), localtime(ended), *told


def trend(
    runs: QuerySet[QAExecution],
    turns: QuerySet[SuiteTurn],
    claims: QuerySet[CompletionClaim],
    at: datetime,
    address: AddressOf = lambda **asked: "",
) -> Trend:
    """Draw how runs have ended and what went backward, from the first run until a moment."""
    first = runs.aggregate(first=Min("executed_at"))["first"]
    unit = next(unit for most, unit in UNITS if at - first < most) if first else "day"
    first = first or at
    slots = by_time(runs, unit, first, at)
    span = unit, first, at
    lost = counted_by_time(turns.filter(is_green=False), "turned_at", *span)
    refused = counted_by_time(claims.filter(accepted=False), "claimed_at", *span)
    spans = [(slot.at, slot.ends) for slot in slots] + [*lost, *refused]
    axis = TimeAxis(min(spans)[0], max(ends for _, ends in spans)) if spans else None
    return Trend(
        unit,
        _volume(axis, unit, slots, address) if axis and slots else None,
        _setbacks(axis, unit, lost, refused, address) if axis and (lost or refused) else None,
        runs=sum(slot.runs for slot in slots),
        green=sum(slot.green for slot in slots),
        regressions=sum(lost.values()),
        refused=sum(refused.values()),
    )


def _volume(axis: TimeAxis, unit: str, slots: list[Slot], address: AddressOf) -> Chart:
    bars = []
    for slot in slots:
        words = (
            f"{moment_words(slot.at, unit)}: {slot.runs:,} runs, {slot.green:,} green,"
            f" {slot.partial:,} partial, {slot.red:,} red"
        )
        href = address(since=slot.at, until=slot.ends)
        counts = (slot.green, slot.partial, slot.red)
        bars += stacked((slot.at, slot.ends), counts, STATUSES, words, href)
    return Chart(
        key="volume",
        axis=axis,
        scale=Scale.of_counts(max(slot.runs for slot in slots)),
        summary=f"QA runs per {unit}: {sum(slot.runs for slot in slots):,} in all.",
        bars=bars,
        told="From",
        layers=STATUSES,
        measured="runs",
    )


def _setbacks(
    axis: TimeAxis,
    unit: str,
    lost: dict[tuple[datetime, datetime], int],
    refused: dict[tuple[datetime, datetime], int],
    address: AddressOf,
) -> Chart:
    bars = []
    for span in sorted({*lost, *refused}):
        counts = lost.get(span, 0), refused.get(span, 0)
        words = (
            f"{moment_words(span[0], unit)}: {counts[0]:,} suites green no more,"
            f" {counts[1]:,} claims refused"
        )
        href = address(since=span[0], until=span[1], turned="lost") if counts[0] else ""
        bars += stacked(span, counts, SETBACKS, words, href)
    tops = [lost.get(span, 0) + refused.get(span, 0) for span in {*lost, *refused}]
    return Chart(
        key="setbacks",
        axis=axis,
        scale=Scale.of_counts(max(tops)),
        summary=(
            f"Per {unit}: {sum(lost.values()):,} suites green no more and"
            f" {sum(refused.values()):,} claims refused in all."
        ),
        bars=bars,
        told="From",
        layers=SETBACKS,
    )


def stacked(
    span: tuple[datetime, datetime],
    counts: tuple[int, ...],
    layers: tuple[BarLayer, ...],
    words: str,
    href: str,
) -> Iterator[Bar]:
    """Yield the bars of one stack, from below."""
    begins = 0
    for count, layer in zip(counts, layers, strict=True):
        if count:
            yield Bar(TimeSpan(*span), count, words, layer.tone, layer.drawn, begins, href)
            begins += count


def moment_words(at: datetime, unit: str) -> str:
    return f"{at:%-d %b}" if unit == "day" else f"{at:%-d %b %H:%M}"


def in_utc(moment: datetime) -> str:
    """Return a moment as an address has it, whatever zone its reader is in."""
    return moment.astimezone(UTC).isoformat(timespec="minutes")


def time_to_green(turns: QuerySet[SuiteTurn]) -> TimeToGreen:
    """Return how long those suites took that became green."""
    question, params = (
        turns.filter(is_green=True).order_by().values_list("turned_at", "since")
    ).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
                percentile_cont(0.9) WITHIN GROUP (ORDER BY took)
            FROM (
                SELECT greatest(turned_at - since, interval '0') FROM ({question})
                    AS turns (turned_at, since)
            ) AS times (took)
            """,  # noqa: S608  the query of a queryset
            params,
        )
        return TimeToGreen(*cursor.fetchone())
