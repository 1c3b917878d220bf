"""Charts, drawn by the server: positions, as numbers for templates.

Across, a place is a percentage; upwards, it is pixels. So a chart is as wide as its page, while its
words and lines keep their size, on a phone too.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby, pairwise
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
    least: float = 0.0  # distance of marks

    def said(self, value: float) -> str:
        return f"{number(value, self.places)}{self.unit}"

    @classmethod
    def of_counts(cls, most: float, unit: str = "", height: int = HEIGHT) -> "Scale":
        """Return a scale of whole numbers whose top is round, so that its marks are even."""
        step = max(round_step(max(most, 1) / 2), 1)
        return cls(step * -(-max(most, 1) // step), unit, height, least=1)

    def y(self, value: float) -> float:
        return self.height * (1 - min(max(value, 0), self.top) / self.top)

    @property
    def grid(self) -> list[Grid]:
        step = max(round_step(self.top / 2), self.least)
        values = [step * n for n in range(1, int(self.top / step) + 1)]
        if not values or values[-1] < self.top:
            # The top is a mark of its own, and what would stand too close below it goes.
            values = [value for value in values if self.top - value > step / 2] + [self.top]
        return [Grid(f"{self.y(value):.1f}", self.said(value)) for value in (0.0, *values)]


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
    href: str = ""  # what it leads to; those of one stack lead to the same


class BarLayer(NamedTuple):
    """What bars of one look mean, for the legend."""

    label: str
    tone: str
    drawn: str = "solid"


class BarStack(NamedTuple):
    """The bars of one stack, which are one link."""

    href: str
    words: str
    uprights: list["Upright"]


class Dot(NamedTuple):
    """A point of a line that is too short to be one."""

    x: str
    y: str
    words: str


class ChartLine(NamedTuple):
    label: str
    tone: str
    dash: str
    path: str
    area: str
    dots: list[Dot]  # instead of a path


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
    href: str = ""


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
    layers: Sequence[BarLayer] = ()  # of stacked bars, from below
    measured: str = ""  # what the scale counts, beside its top
    goal: float | None = None  # a value that is marked across the plot...
    goal_words: str = ""  # ...and what it is

    @property
    def height(self) -> int:
        return self.scale.height

    @property
    def goal_y(self) -> str:
        return "" if self.goal is None else f"{self.scale.y(self.goal):.1f}"

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

    def _dots(self, series: Series) -> list[Dot]:
        """Return two points, or the only one, as points: a line between them would say more."""
        if series.drawn == "step" or len(series.points) > 2:
            return []
        return [
            Dot(
                self.axis.x(point.at),
                f"{self.scale.y(point.value):.1f}",
                f"{series.label}: {self.scale.said(point.value)}",
            )
            for point in series.points
        ]

    def _paths(self, series: Series) -> tuple[str, str, list[Dot]]:
        """Return a line and the area under it, in a box of 100 by the height of the plot."""
        if dots := self._dots(series):
            return "", "", dots
        places = [
            (self.axis.place(point.at), self.scale.y(point.value))
            for point in thinned(series.points, self.axis)
        ]
        path = f"M{places[0][0]:.2f} {places[0][1]:.1f}"
        for _, (x, y) in pairwise(places):
            path += f"H{x:.2f}V{y:.1f}" if series.drawn == "step" else f"L{x:.2f} {y:.1f}"
        area = f"{path}V{self.height}H{places[0][0]:.2f}Z" if series.filled else ""
        return path, area, []

    @cached_property
    def uprights(self) -> list[Upright]:
        return stand(self.bars, self.axis.place, self.scale)

    @cached_property
    def columns(self) -> list[BarStack]:
        """Return the bars, those that stand on each other together."""
        found = groupby(self.uprights, key=lambda upright: upright.bar.span)
        stacks = [list(uprights) for _, uprights in found]
        return [BarStack(stack[0].bar.href, stack[0].bar.words, stack) for stack in stacks]

    @property
    def role(self) -> str:
        """Return the role of the drawing: in an image nothing could be followed."""
        return "group" if any(bar.href for bar in self.bars) else "img"

    @property
    def headings(self) -> list[str]:
        labels = [series.label for series in self.series]
        if self.layers:
            return [self.told, *labels, *(layer.label for layer in self.layers)]
        return [self.told, *labels, *([self.counted] if self.bars else [])]

    @cached_property
    def rows(self) -> list[ChartRow]:
        """Return the chart's table: each bar with the values of its beginning, or each point."""
        if not self.bars:
            return [ChartRow(at, self._told(at)) for at in self._moments()]
        if self.layers:
            return [self._row_of_stack(column) for column in self.columns]
        return [
            ChartRow(bar.span[0], [*self._told(bar.span[0]), self._said(bar.value)])
            for bar in self.bars
        ]

    def _row_of_stack(self, column: BarStack) -> ChartRow:
        bars = [upright.bar for upright in column.uprights]
        at = bars[0].span[0]
        values = {(bar.tone, bar.drawn): bar.value for bar in bars}
        layers = [values.get((layer.tone, layer.drawn), 0) for layer in self.layers]
        return ChartRow(at, [*self._told(at), *map(self._said, layers)], column.href)

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
