"""Heartbeats over time, as the database counts each minute: a day of them is a few bars."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import DateTimeField, F, Func, Max, QuerySet, Sum, Value
from django.utils.timezone import localtime

from builders.models import HeartbeatMinute, HeartbeatQuerySet
from kit.web.charts import Bar, Chart, Scale
from kit.web.time_axis import TimeAxis, TimeSpan, long_span

HEIGHT = 40  # of a strip, in pixels
SHORTEST = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)


class Window(NamedTuple):
    """A stretch of time up to now, and how wide the bars are that it is shown in."""

    key: str
    label: str
    length: timedelta
    bar: timedelta


HOUR = Window("hour", "Last hour", timedelta(hours=1), timedelta(minutes=1))
DAY = Window("day", "Last day", timedelta(days=1), timedelta(minutes=15))


def window_of(label: str, start: datetime, end: datetime) -> Window:
    """Return the window from start to end, or the last hour of it, a bar for each minute."""
    length = min(max(end - start, SHORTEST), HOUR.length)
    return Window("work", label, length, HOUR.bar)


def next_minute(at: datetime) -> datetime:
    """Return the first whole minute that is not before a time."""
    return at + (datetime.min.replace(tzinfo=UTC) - at) % MINUTE


class Bucket(NamedTuple):
    """The beats of one short span."""

    start: datetime
    beats: int
    idle: int
    blocked: int
    progress: int | None


def count_beats(minutes: QuerySet[HeartbeatMinute], window: Window, end: datetime) -> list[Bucket]:
    """Count the beats of a window for each of its bars, of which empty ones are not there.

    They count when the office received them, as in every judgement, from the first whole minute
    on, of which the last may not be over.
    """
    start = next_minute(end - window.length)
    span = Func(
        Value(window.bar),
        F("minute"),
        Value(start),
        function="date_bin",
        output_field=DateTimeField(),
    )
    rows = minutes.filter(minute__gte=start, minute__lte=end).annotate(span=span).values("span")
    counted = {name: Sum(name) for name in ("beats", "idle", "blocked")}
    rows = rows.annotate(**counted, progress=Max("progress")).order_by("span")
    return [Bucket(*row) for row in rows.values_list("span", *counted, "progress")]


class Shade(NamedTuple):
    """A span to be marked behind the bars: where it lies and what it means."""

    x: str
    width: str
    tone: str
    drawn: str
    words: str


@dataclass(frozen=True)
class Strip:
    """Beats as bars, with the spans in which they were missed, or not expected."""

    chart: Chart
    shades: Sequence[Shade]
    quiet: bool  # whether there is no beat at all
    tallest: str  # what a bar of full height says


def draw_strip(
    buckets: Sequence[Bucket],
    window: Window,
    end: datetime,
    *,
    key: str,
    silences: Iterable[TimeSpan] = (),
    paused: Iterable[TimeSpan] = (),
    absent: Iterable[TimeSpan] = (),
    progress: bool = False,
) -> Strip:
    """Draw the beats of a window; a bar is as high as their number, or as their progress."""
    silences = list(silences)
    axis = TimeAxis(end - window.length, end)
    top = 100 if progress else max((bucket.beats for bucket in buckets), default=1)
    number = sum(bucket.beats for bucket in buckets)
    gaps = len(silences)
    summary = (
        f"{window.label}: {number:,} heartbeat{'' if number == 1 else 's'},"
        f" {gaps or 'no'} gap{'' if gaps == 1 else 's'}"
    )
    chart = Chart(
        key,
        axis,
        Scale(top, unit=" %" if progress else "", height=HEIGHT),
        summary,
        bars=[bucket_bar(bucket, window.bar, end, progress=progress) for bucket in buckets],
        counted="Progress" if progress else "Heartbeats",
    )
    shades = [
        *(shade(axis, span, "quiet", "outline", "Paused") for span in paused),
        *(shade(axis, span, "quiet", "outline", "Office closed") for span in absent),
        *(shade(axis, span, "failed", "hatched", "Silent") for span in silences),
    ]
    tallest = "100 %" if progress else f"{top} heartbeat{'' if top == 1 else 's'}"
    width = window.bar.total_seconds()
    within = f"{width / 60:g} min" if width >= 60 else f"{width:g} s"
    return Strip(chart, shades, not number, f"full height: {tallest} in {within}")


def since_first_beat(
    beats: HeartbeatQuerySet, window: Window, buckets: Sequence[Bucket], end: datetime
) -> Window:
    """Return the window from the first beat of all on, where most of it lies before that."""
    start = end - window.length
    if not buckets or end - buckets[0].start > window.length / 2:
        return window
    if beats.received_between(datetime.min.replace(tzinfo=UTC), start).exists():
        return window
    return window._replace(length=max(end - buckets[0].start, SHORTEST))


def bucket_bar(bucket: Bucket, width: timedelta, end: datetime, *, progress: bool) -> Bar:
    plural = "" if bucket.beats == 1 else "s"
    words = f"{localtime(bucket.start):%-d %b %H:%M %Z}: {bucket.beats} heartbeat{plural}"
    if bucket.progress is not None:
        words += f", {bucket.progress} %"
    if bucket.blocked:
        words += f", {bucket.blocked} blocked"
    # A beat at nothing is a beat: it is drawn a little above the line.
    value = max(bucket.progress or 0, 8) if progress else bucket.beats
    tone, drawn = "running", "solid"
    if bucket.blocked * 2 > bucket.beats:
        tone = "blocked"
    elif bucket.idle == bucket.beats:
        tone, drawn = "quiet", "outline"
    span = TimeSpan(bucket.start, min(bucket.start + width, end))
    return Bar(span, value, words, tone, drawn)


def shade(axis: TimeAxis, span: TimeSpan, tone: str, drawn: str, word: str) -> Shade:
    x, width = axis.bar(span)
    return Shade(x, width, tone, drawn, f"{word} for {long_span(span.end - span.start)}")
