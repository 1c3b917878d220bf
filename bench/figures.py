"""What a benchmark yields: a figure, the floor beside it, their ratio, and the bound for it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Measurement:
    what: str
    unit: str
    measured: float
    floor: float
    ratio: float
    spread: tuple[float, float]  # the least and the greatest ratio of a pair
    at_least: float | None = None
    at_most: float | None = None
    under: float | None = None  # of what is measured, and not of the ratio

    def __str__(self) -> str:
        return f"{self.what}: {self.measured:,.1f} {self.unit}, {self.ratio:.2f}"

    @property
    def bound(self) -> str:
        return ", ".join(words for words, _ in self._bounds())

    @property
    def met(self) -> bool | None:
        bounds = [met for _, met in self._bounds()]
        return all(bounds) if bounds else None

    def _bounds(self) -> Iterator[tuple[str, bool]]:
        if self.at_least is not None:
            yield f">= {self.at_least:g}", self.ratio >= self.at_least
        if self.at_most is not None:
            yield f"<= {self.at_most:g}", self.ratio <= self.at_most
        if self.under is not None:
            yield f"< {self.under:g} {self.unit}", self.measured < self.under


def interleaved[T](
    rounds: int, measured: Callable[[], T], floor: Callable[[], T]
) -> list[tuple[T, T]]:
    """Run both in turns, each first in every other round: what disturbs one disturbs both."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            beside = floor()
            pairs.append((measured(), beside))
        else:
            pairs.append((measured(), floor()))
    return pairs


def compare_pairs(
    what: str, unit: str, pairs: Sequence[tuple[float, float]], **bound: float
) -> Measurement:
    """Return the medians of both, and of the ratios within each pair."""
    ratios = [measured / floor for measured, floor in pairs]
    return Measurement(
        what,
        unit,
        median(measured for measured, _ in pairs),
        median(floor for _, floor in pairs),
        median(ratios),
        (min(ratios), max(ratios)),
        **bound,
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that `percent` of all values do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def table(figures: Sequence[Measurement]) -> str:
    rows = [["", "unit", "measured", "floor", "ratio", "of pairs", "bound", ""]]
    for figure in figures:
        low, high = figure.spread
        verdict = {True: "met", False: "NOT MET", None: ""}[figure.met]
        rows.append(
            [
                *(figure.what, figure.unit, f"{figure.measured:,.1f}", f"{figure.floor:,.1f}"),
                *(f"{figure.ratio:.2f}", f"{low:.2f}-{high:.2f}", figure.bound, verdict),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 2 <= number <= 5 else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
