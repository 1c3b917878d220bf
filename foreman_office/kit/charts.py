"""Charts over time, drawn by the server: where things stand, as numbers for templates.

Across, a place is a percentage; upwards, it is pixels. So a chart is as wide as its page, while its
words and lines keep their size, on a phone too. Times are those of the active time zone.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone, localtime

HEIGHT = 132  # of a plot, in pixels
FOLD = 4.0  # what a folded span takes across, in percent
TICKS = 8  # marks across at most, where there is room
LETTER = 1.5  # the width of a letter at most, in percent of a chart as wide as 27 rem...
LETTER_WHERE_NARROW = 2.4  # ...and of a narrower one: on a phone, or in a side column
PUT_BACK = timedelta(hours=3)  # by no more is any clock put back
POINTS = 400  # of a line at most; what lies closer is not seen
ROWS = 60  # of a table twin at most

# Lines are told apart without colour: these are `stroke-dasharray`.
DASHES = ("", "6 3", "2 3", "9 3 2 3", "1 5")


class Span(NamedTuple):
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


# --- across ---------------------------------------------------------------------------------------


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
    """Places moments between a start and an end; what is `folded` takes next to no room."""

    def __init__(self, start: datetime, end: datetime, folded: Iterable[Span] = ()) -> None:
        self.start, self.end = start, max(end, start + timedelta(minutes=1))
        idle = [span for span in sorted(folded) if start < span.start < span.end <= self.end]
        width = min(FOLD, 40 / max(len(idle), 1))
        stretches: list[tuple[datetime, datetime, bool]] = []
        at = start
        for span in idle:
            stretches += [(at, span.start, False), (*span, True)]
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
        """Say where a moment lies, in percent; what lies outside is at the edge."""
        moment = min(max(moment, self.start), self.end)
        index = bisect_right(self.pieces, moment, key=lambda piece: piece.start) - 1
        return self.pieces[index].place(moment)

    def x(self, moment: datetime) -> str:
        return percent(self.place(moment))

    def bar(self, span: Span, least: float = 0.6) -> tuple[str, str]:
        """Return where a bar begins and how wide it is; none is too thin to be seen."""
        left, right = self.place(span.start), self.place(span.end)
        width = max(right - left, least)
        return percent(min(left, 100 - width)), percent(width)

    @cached_property
    def folds(self) -> list[Fold]:
        return [
            Fold(
                percent(piece.left),
                percent(piece.right - piece.left),
                percent((piece.left + piece.right) / 2),
                f"{long_span(piece.end - piece.start)} idle",
            )
            for piece in self.pieces
            if piece.folded
        ]

    @property
    def caption(self) -> str:
        """Say from when to when, and in which zone."""
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
            ticks.append(Tick(percent(mark.x), mark.label, mark.anchor, spare))
        return ticks


class Mark(NamedTuple):
    """A candidate for a tick, and the room that its label takes."""

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
class Step:
    """A distance of marks: so many minutes, days or months."""

    unit: Literal["minutes", "days", "months"]
    number: int

    @property
    def length(self) -> timedelta:
        days = {"minutes": 1 / 1440, "days": 1, "months": 30.4}[self.unit]
        return timedelta(days=days * self.number)

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Return the round times after a start and up to an end, by the clock on the wall."""
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
        """Say a time after another one: what stays the same is not said again."""
        match self.unit:
            case "minutes" if before and before.date() == at.date():
                return f"{at:%H:%M}"
            case "months" if self.number >= 12:
                return f"{at:%Y}"
            case "months":
                return date_format(at, "M" if before and before.year == at.year else "M Y")
        return date_format(at, "j M")


STEPS = [
    *(Step("minutes", number) for number in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)),
    *(Step("days", number) for number in (1, 2, 7, 14)),
    *(Step("months", number) for number in (1, 2, 3, 6, 12, 24, 60, 120)),
]


def idle_spans(busy: Iterable[Span], longer_than: timedelta) -> list[Span]:
    """Return the spans between the busy ones in which nothing was done for so long."""
    found: list[Span] = []
    until: datetime | None = None
    for start, end in sorted(busy):
        if until and start - until > longer_than:
            found.append(Span(until, start))
        until = max(until or end, end)
    return found


def long_span(span: timedelta) -> str:
    """Say a duration in words: 35 minutes, 14 hours, 2 days."""
    minutes = round(span.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes >= 2 * 1440:
        return f"{round(minutes / 1440)} days"
    if minutes >= 2 * 60:
        return f"{round(minutes / 60)} hours"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def percent(number: float) -> str:
    return f"{number:.3f}%"


# --- upwards --------------------------------------------------------------------------------------


class Grid(NamedTuple):
    """A line across the plot, at a value."""

    y: str
    label: str


@dataclass(frozen=True)
class Scale:
    """Places values between nothing and a top, in pixels from above."""

    top: float
    unit: str = ""
    height: int = HEIGHT

    def y(self, value: float) -> float:
        return self.height * (1 - min(max(value, 0), self.top) / self.top)

    @property
    def grid(self) -> list[Grid]:
        step = round_step(self.top / 2)
        values = [step * n for n in range(1, int(self.top / step) + 1)]
        if not values or values[-1] < self.top:
            # The top is a mark of its own, and what would stand too close below it goes.
            values = [value for value in values if self.top - value > step / 2] + [self.top]
        return [Grid(f"{self.y(value):.1f}", f"{number(value)}{self.unit}") for value in values]


def round_step(most: float) -> float:
    """Return the greatest of 1, 2, 5, 10, 20, ... (or .1, .2, ...) that is no more than this."""
    magnitude = 10.0 ** (len(str(int(most))) - 1) if most >= 1 else 0.1
    return next((magnitude * n for n in (5, 2, 1) if magnitude * n <= most), magnitude)


def number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


# --- both -----------------------------------------------------------------------------------------


class Point(NamedTuple):
    at: datetime
    value: float


@dataclass(frozen=True)
class Series:
    """Values over time. A step keeps its value until the next point; a line goes straight to it."""

    label: str
    points: Sequence[Point]
    tone: str = "running"
    drawn: Literal["line", "step"] = "line"
    filled: bool = False

    def at(self, moment: datetime) -> float | None:
        """Return the value last known at a moment."""
        index = bisect_right(self.points, moment, key=lambda point: point.at)
        return self.points[index - 1].value if index else None


class Bar(NamedTuple):
    """One upright bar: of a span of time, told apart by how it is drawn."""

    span: Span
    value: float
    words: str
    tone: str = "running"
    drawn: str = "solid"  # or hatched, or outline


class Line(NamedTuple):
    label: str
    tone: str
    dash: str
    path: str
    area: str


class Upright(NamedTuple):
    x: str
    y: str
    width: str
    height: str
    bar: Bar


class Row(NamedTuple):
    """What a chart shows at a moment, for those who read rather than look."""

    at: datetime
    values: list[str]


@dataclass(frozen=True)
class Chart:
    """A chart over time: everything that `components/chart_over_time.html` draws."""

    key: str  # of its elements' ids; one of its kind on a page
    axis: TimeAxis
    scale: Scale
    summary: str
    series: Sequence[Series] = ()
    bars: Sequence[Bar] = ()
    now: datetime | None = None
    told: str = "When"  # heads the first column of the table
    counted: str = "How many"  # heads what the bars say there

    @property
    def height(self) -> int:
        return self.scale.height

    @property
    def now_x(self) -> str:
        return self.axis.x(self.now) if self.now else ""

    @cached_property
    def lines(self) -> list[Line]:
        return [
            Line(series.label, series.tone, DASHES[place % len(DASHES)], *self._paths(series))
            for place, series in enumerate(self.series)
            if series.points
        ]

    def _paths(self, series: Series) -> tuple[str, str]:
        """Return a line and the area under it, in a box of 100 by the height of the plot."""
        places = [
            (self.axis.place(point.at), self.scale.y(point.value))
            for point in thinned(series.points, self.axis)
        ]
        path = f"M{places[0][0]:.2f} {places[0][1]:.1f}"
        for _, (x, y) in pairwise(places):
            path += f"H{x:.2f}V{y:.1f}" if series.drawn == "step" else f"L{x:.2f} {y:.1f}"
        area = f"{path}V{self.height}H{places[0][0]:.2f}Z" if series.filled else ""
        return path, area

    @cached_property
    def uprights(self) -> list[Upright]:
        found = []
        for bar in self.bars:
            left, right = self.axis.place(bar.span.start), self.axis.place(bar.span.end)
            y = self.scale.y(bar.value)
            width = max((right - left) * 0.82, 0.2)
            found.append(
                Upright(
                    percent(left + (right - left - width) / 2),
                    f"{y:.1f}",
                    percent(width),
                    f"{self.height - y:.1f}",
                    bar,
                )
            )
        return found

    @property
    def headings(self) -> list[str]:
        labels = [series.label for series in self.series]
        return [self.told, *labels, *([self.counted] if self.bars else [])]

    @cached_property
    def rows(self) -> list[Row]:
        """Return the table twin: each bar with the values of its beginning, or else each point."""
        if not self.bars:
            return [Row(at, self._told(at)) for at in self._moments()]
        return [
            Row(bar.span.start, [*self._told(bar.span.start), self._said(bar.value)])
            for bar in self.bars
        ]

    def _moments(self) -> list[datetime]:
        """Return when there is a point, or as many evenly spread moments as a table bears."""
        moments = sorted({point.at for series in self.series for point in series.points})
        if len(moments) > ROWS:
            spread = (self.axis.end - self.axis.start) / ROWS
            marks = [self.axis.start + spread * n for n in range(1, ROWS + 1)]
            # Where nothing changed between two marks, the second says nothing.
            seen = [bisect_right(moments, mark) for mark in marks]
            moments = [
                mark
                for place, mark in enumerate(marks)
                if seen[place] and (not place or seen[place] != seen[place - 1])
            ]
        return moments

    def _told(self, at: datetime) -> list[str]:
        return [self._said(series.at(at)) for series in self.series]

    def _said(self, value: float | None) -> str:
        return "" if value is None else f"{number(value)}{self.scale.unit}"


def thinned(points: Sequence[Point], axis: TimeAxis) -> list[Point]:
    """Leave out points that nobody could tell apart: of each narrow strip the last is kept."""
    if len(points) <= POINTS:
        return list(points)
    last = {int(axis.place(point.at) * POINTS / 100): point for point in points}
    return [points[0], *last.values()]
