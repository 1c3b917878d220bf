"""Charts, drawn by the server: positions, as numbers for templates.

Across, a place is a percentage; upwards, it is pixels. So a chart is as wide as its page, while its
words and lines keep their size, on a phone too.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from kit.web.time_axis import TimeAxis, percent_text

HEIGHT = 132  # of a plot, in pixels
POINTS = 400  # of a line at most; what lies closer is not seen
ROWS = 60  # of a table twin at most
ROOM = 0.82  # of its slot that an upright bar takes across

# Lines are told apart without colour: these are `stroke-dasharray`.
DASHES = ("", "6 3", "2 3", "9 3 2 3", "1 5")


class Grid(NamedTuple):
    """A line across the plot, at a value."""

    y: str
    label: str


@dataclass(frozen=True)
class Scale:
    """A scale of values from zero to a top, in pixels from above."""

    top: float
    unit: str = ""
    height: int = HEIGHT
    places: int = 1  # decimal places of values that are not whole

    def said(self, value: float) -> str:
        return f"{number(value, self.places)}{self.unit}"

    def y(self, value: float) -> float:
        return self.height * (1 - min(max(value, 0), self.top) / self.top)

    @property
    def grid(self) -> list[Grid]:
        step = round_step(self.top / 2)
        values = [step * n for n in range(1, int(self.top / step) + 1)]
        if not values or values[-1] < self.top:
            # The top is a mark of its own, and what would stand too close below it goes.
            values = [value for value in values if self.top - value > step / 2] + [self.top]
        return [Grid(f"{self.y(value):.1f}", self.said(value)) for value in values]


def round_step(most: float) -> float:
    """Return the greatest of 1, 2, 5, 10, 20, ... (or .1, .2, ...) that is no more than this."""
    magnitude = 10.0 ** (len(str(int(most))) - 1) if most >= 1 else 0.1
    return next((magnitude * n for n in (5, 2, 1) if magnitude * n <= most), magnitude)


def number(value: float, places: int = 1) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.{places}f}"


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
    """One upright bar over a span of its axis, with its colour and texture.

    In a stack it begins at the value at which the bar below it ends.
    """

    span: tuple[Any, Any]  # moments of a `TimeAxis`, numbers of an `EvenAxis`
    value: float
    words: str
    tone: str = "running"
    drawn: str = "solid"  # or hatched, or outline
    begins: float = 0.0


class ChartLine(NamedTuple):
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


def stand(
    bars: Iterable[Bar], place: Callable[[Any], float], scale: Scale, room: float = ROOM
) -> list[Upright]:
    """Return the positions of bars, each in the middle of its span and `room` of it wide."""
    found = []
    for bar in bars:
        left, right = place(bar.span[0]), place(bar.span[1])
        width = max((right - left) * room, 0.2)
        y, foot = scale.y(bar.begins + bar.value), scale.y(bar.begins)
        x = left + (right - left - width) / 2
        found.append(
            Upright(percent_text(x), f"{y:.1f}", percent_text(width), f"{foot - y:.1f}", bar)
        )
    return found


@dataclass(frozen=True)
class EvenAxis:
    """Positions of so many things side by side, in slots of the same width."""

    number: int
    widest: float = 100.0  # of a slot, in percent

    def place(self, number: float) -> float:
        return number * min(100 / max(self.number, 1), self.widest)


class ChartRow(NamedTuple):
    """The values of a chart at a moment, for its table."""

    at: datetime
    values: list[str]


@dataclass(frozen=True)
class Chart:
    """A chart over time: the data of `components/chart_over_time.html`."""

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
    def lines(self) -> list[ChartLine]:
        return [
            ChartLine(series.label, series.tone, DASHES[place % len(DASHES)], *self._paths(series))
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
        return stand(self.bars, self.axis.place, self.scale)

    @property
    def headings(self) -> list[str]:
        labels = [series.label for series in self.series]
        return [self.told, *labels, *([self.counted] if self.bars else [])]

    @cached_property
    def rows(self) -> list[ChartRow]:
        """Return the chart's table: each bar with the values of its beginning, or each point."""
        if not self.bars:
            return [ChartRow(at, self._told(at)) for at in self._moments()]
        return [
            ChartRow(bar.span[0], [*self._told(bar.span[0]), self._said(bar.value)])
            for bar in self.bars
        ]

    def _moments(self) -> list[datetime]:
        """Return when there are points, or as many evenly spread moments as a table has rows."""
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
        return "" if value is None else self.scale.said(value)


def thinned(points: Sequence[Point], axis: TimeAxis) -> list[Point]:
    """Downsample: of the points in each narrow strip, which look the same, keep the last."""
    if len(points) <= POINTS:
        return list(points)
    last = {int(axis.place(point.at) * POINTS / 100): point for point in points}
    return [points[0], *last.values()]
