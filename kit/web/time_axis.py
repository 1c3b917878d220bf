"""The time axis of a chart: positions of moments, round marks, and folded stretches.

A place across is a percentage. Times are those of the active time zone.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Literal, NamedTuple

from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone, localtime

FOLD = 4.0  # what a folded span takes across, in percent
TICKS = 8  # marks across at most, where there is room
LETTER = 1.5  # the width of a letter at most, in percent of a chart as wide as 27 rem...
LETTER_WHERE_NARROW = 2.4  # ...and of a narrower one: on a phone, or in a side column
PUT_BACK = timedelta(hours=3)  # by no more is any clock put back


class TimeSpan(NamedTuple):
    start: datetime
    end: datetime


class Tick(NamedTuple):
    """A mark below the plot."""

    x: str
    label: str
    anchor: str
    spare: bool  # left out where there is little room


class Fold(NamedTuple):
    """A span in which nothing happened, drawn short."""

    x: str
    width: str
    middle: str
    words: str


class Piece(NamedTuple):
    """A stretch of time and where it lies, in percent."""

    start: datetime
    end: datetime
    left: float
    right: float
    folded: bool

    def place(self, moment: datetime) -> float:
        share = (moment - self.start) / (self.end - self.start)
        return self.left + (self.right - self.left) * share


class TimeAxis:
    """The positions of moments between a start and an end; folded spans take next to no width."""

    def __init__(self, start: datetime, end: datetime, folded: Iterable[TimeSpan] = ()) -> None:
        self.start, self.end = start, max(end, start + timedelta(minutes=1))
        idle = [span for span in sorted(folded) if start < span.start < span.end <= self.end]
        width = min(FOLD, 40 / max(len(idle), 1))
        stretches: list[tuple[datetime, datetime, bool]] = []
        at = start
        for span in idle:
            if at < span.start:  # else what lies between two spans took no time
                stretches.append((at, span.start, False))
            stretches.append((*span, True))
            at = span.end
        if at < self.end:
            stretches.append((at, self.end, False))
        self.shown = sum((b - a for a, b, fold in stretches if not fold), timedelta())
        room, left = 100 - width * len(idle), 0.0
        self.pieces: list[Piece] = []
        for begin, stop, fold in stretches:
            right = left + (width if fold else room * ((stop - begin) / self.shown))
            self.pieces.append(Piece(begin, stop, left, right, fold))
            left = right

    def place(self, moment: datetime) -> float:
        """Return where a moment lies, in percent; what lies outside is at the edge."""
        moment = min(max(moment, self.start), self.end)
        index = bisect_right(self.pieces, moment, key=lambda piece: piece.start) - 1
        return self.pieces[index].place(moment)

    def x(self, moment: datetime) -> str:
        return percent_text(self.place(moment))

    def bar(self, span: TimeSpan, least: float = 0.6) -> tuple[str, str]:
        """Return the beginning and the width of a bar; none is too thin to be seen."""
        left, right = self.place(span.start), self.place(span.end)
        width = max(right - left, least)
        return percent_text(min(left, 100 - width)), percent_text(width)

    @cached_property
    def folds(self) -> list[Fold]:
        return [
            Fold(
                percent_text(piece.left),
                percent_text(piece.right - piece.left),
                percent_text((piece.left + piece.right) / 2),
                f"{long_span(piece.end - piece.start)} idle",
            )
            for piece in self.pieces
            if piece.folded
        ]

    @property
    def caption(self) -> str:
        """Return the start and the end of the axis in words, and its zone."""
        start, end = localtime(self.start), localtime(self.end)
        until = "H:i" if start.date() == end.date() else "j M Y H:i"
        return (
            f"{date_format(start, 'j M Y H:i')} to {date_format(end, until)} {end.tzname() or ''}"
        ).strip()

    @cached_property
    def ticks(self) -> list[Tick]:
        """Return marks at round times, and where each unfolded stretch begins."""
        step = next((s for s in STEPS if self.shown <= s.length * TICKS), STEPS[-1])
        kept: list[Mark] = []
        for piece in self.pieces:
            if piece.folded:
                continue
            head = localtime(piece.start)
            moments = [(head, True), *((at, False) for at in step.between(piece.start, piece.end))]
            for at, is_head in moments:
                label = step.label(at, kept[-1].at if kept else None)
                mark = Mark(piece.place(at), label, at, is_head)
                # Where a stretch begins is worth more than a round time before it.
                while is_head and kept and not kept[-1].is_head and not mark.fits_after(kept[-1]):
                    kept.pop()
                if not kept or mark.fits_after(kept[-1]):
                    kept.append(mark)
        ticks: list[Tick] = []
        last: Mark | None = None
        for mark in kept:
            spare = last is not None and not mark.fits_after(last, LETTER_WHERE_NARROW)
            last = last if spare else mark
            ticks.append(Tick(percent_text(mark.x), mark.label, mark.anchor, spare))
        return ticks


class Mark(NamedTuple):
    """A candidate for a tick, and the width of its label."""

    x: float
    label: str
    at: datetime
    is_head: bool

    @property
    def anchor(self) -> str:
        return "start" if self.x < 5 else "end" if self.x > 95 else "middle"

    def extent(self, letter: float) -> tuple[float, float]:
        width = letter * (len(self.label) + 1)
        left = self.x - {"start": 0, "middle": width / 2, "end": width}[self.anchor]
        return left, left + width

    def fits_after(self, other: "Mark", letter: float = LETTER) -> bool:
        return self.extent(letter)[0] >= other.extent(letter)[1]


@dataclass(frozen=True)
class MarkStep:
    """A distance of marks: so many minutes, days or months."""

    unit: Literal["minutes", "days", "months"]
    number: int

    @property
    def length(self) -> timedelta:
        days = {"minutes": 1 / 1440, "days": 1, "months": 30.4}[self.unit]
        return timedelta(days=days * self.number)

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Return the round times after a start and up to an end, by the clock of the zone."""
        zone, last = get_current_timezone(), start.astimezone(UTC)
        first, final = (localtime(at).replace(tzinfo=None) for at in (start, end))
        for wall in self._walls(first.date(), final.date()):
            if not first - PUT_BACK <= wall <= final + PUT_BACK:
                continue
            # By way of UTC: a clock put forward or back has hours that do not come, or come twice.
            at = localtime(wall.replace(tzinfo=zone).astimezone(UTC))
            if last < at <= end and at.replace(tzinfo=None) == wall:
                yield at
                last = at

    def _walls(self, first: date, last: date) -> Iterator[datetime]:
        for number in range(first.toordinal(), last.toordinal() + 1):
            day = date.fromordinal(number)
            midnight = datetime.combine(day, time())
            match self.unit:
                case "minutes":
                    for minute in range(0, 1440, self.number):
                        yield midnight + timedelta(minutes=minute)
                case "days" if number % self.number == 1 % self.number:  # weeks begin on Mondays
                    yield midnight
                case "months" if (
                    day.day == 1 and (day.month - 1 + 12 * day.year) % self.number == 0
                ):
                    yield midnight

    def label(self, at: datetime, before: datetime | None) -> str:
        """Return a time without what it shares with the one before it."""
        match self.unit:
            case "minutes" if not before or before.date() == at.date():
                return f"{at:%H:%M}"  # the caption has the first day
            case "minutes" if at.time() != time():
                return f"{date_format(at, 'j M')} {at:%H:%M}"
            case "months" if self.number >= 12:
                return f"{at:%Y}"
            case "months":
                return date_format(at, "M" if before and before.year == at.year else "M Y")
        return date_format(at, "j M")


STEPS = [
    *(MarkStep("minutes", number) for number in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)),
    *(MarkStep("days", number) for number in (1, 2, 7, 14)),
    *(MarkStep("months", number) for number in (1, 2, 3, 6, 12, 24, 60, 120)),
]


def idle_spans(busy: Iterable[TimeSpan], longer_than: timedelta) -> list[TimeSpan]:
    """Return the spans between busy ones in which nothing was done for so long."""
    found: list[TimeSpan] = []
    until: datetime | None = None
    for start, end in sorted(busy):
        if until and start - until > longer_than:
            found.append(TimeSpan(until, start))
        until = max(until or end, end)
    return found


def long_span(span: timedelta) -> str:
    """Return a duration in words: 35 minutes, 14 hours, 2 days."""
    minutes = round(span.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes >= 2 * 1440:
        return f"{round(minutes / 1440)} days"
    if minutes >= 2 * 60:
        return f"{round(minutes / 60)} hours"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def percent_text(number: float) -> str:
    return f"{number:.3f}%"
