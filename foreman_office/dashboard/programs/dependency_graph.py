"""The waves of a program as lanes: who waits for whom from left to right, and the critical path."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import accumulate, pairwise, zip_longest
from math import ceil
from typing import Any, NamedTuple
from uuid import UUID

from foreman_office.dashboard.programs.progress_counts import MARKS
from programs.models import Wave

WIDE = 6  # columns that a desk shows at once; a longer plan keeps its finished beginning folded
FEW = 4  # columns whose cards may be broader
MARKS_ACROSS = {True: 8, False: 5}  # in the narrowest card, where the columns are few and otherwise
BASE = 4.5  # rows of marks as tall as the rest of a card
INSET = 6  # of a card in its cell, in percent of the column: edges run between


class Edge(NamedTuple):
    path: str
    critical: bool


class Card(NamedTuple):
    wave: Any
    deep: int  # rows of marks that it has room for


@dataclass(frozen=True)
class Lanes:
    """Columns of waves, each after the longest chain of waves that it waits for.

    The critical path is the chain of unfinished waves with the most unfinished tasks in a row: the
    program ends no sooner than that. `earlier` are completed waves of columns that are not drawn.
    """

    columns: list[list[Card]]
    earlier: list[Wave]
    edges: list[Edge]
    critical: list[Wave]
    box: str
    few: bool

    @property
    def tasks_left(self) -> int:
        return sum(left(wave) for wave in self.critical)


def lanes_of(waves: Sequence[Any]) -> Lanes:
    """Return the lanes of a program's tallied waves, which come in their order."""
    by_id = {wave.pk: wave for wave in waves}
    before = {wave.pk: [key for key in wave.dependency_ids if key in by_id] for wave in waves}
    order = [*TopologicalSorter(before).static_order()]
    critical = critical_path(by_id, before, order)
    depth: dict[UUID, int] = {}
    for key in order:
        depth[key] = max((depth[other] + 1 for other in before[key]), default=0)

    columns: list[list[Any]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for wave in waves:
        columns[depth[wave.pk]].append(wave)
    earlier: list[Wave] = []
    while len(columns) > WIDE and all(
        wave.state == Wave.State.COMPLETED for column in columns[:2] for wave in column
    ):
        earlier += columns.pop(0)
    arrange(columns, before)

    few = len(columns) <= FEW
    # The cards of a row are as tall as its fullest, so that edges meet them.
    deep = [
        max(marks_deep(wave.counts.total(), MARKS_ACROSS[few]) for wave in row if wave)
        for row in zip_longest(*columns)
    ]
    tops = [*accumulate((BASE + rows for rows in deep), initial=0)]
    return Lanes(
        [[Card(*card) for card in zip(column, deep, strict=False)] for column in columns],
        earlier,
        [*edges(columns, before, tops, critical)],
        critical,
        f"0 0 {100 * len(columns)} {100 * tops[-1]:g}",
        few,
    )


def marks_deep(tasks: int, across: int) -> int:
    return 2 if tasks > MARKS else ceil(tasks / across)


def left(wave: Any) -> int:
    """Return how many tasks of a wave are not completed."""
    if wave.state == Wave.State.COMPLETED:
        return 0
    return int(wave.counts.total() - wave.counts[Wave.State.COMPLETED])


def critical_path(
    by_id: dict[UUID, Any], before: dict[UUID, list[UUID]], order: Sequence[UUID]
) -> list[Wave]:
    """Return the chain of unfinished waves with the most unfinished tasks, else the most waves."""
    length: dict[UUID, tuple[int, int]] = {}
    came: dict[UUID, UUID | None] = {}
    for key in order:
        came[key] = longest = max(before[key], key=length.__getitem__, default=None)
        tasks, waves = length[longest] if longest else (0, 0)
        own = by_id[key]
        length[key] = tasks + left(own), waves + (own.state != Wave.State.COMPLETED)
    at = max(order, key=length.__getitem__, default=None)
    path: list[Wave] = []
    while at:
        path.append(by_id[at])
        at = came[at]
    return [wave for wave in reversed(path) if wave.state != Wave.State.COMPLETED]


def arrange(columns: list[list[Any]], before: dict[UUID, list[UUID]]) -> None:
    """Order each column by where its waves come from and lead to, so that few edges cross."""
    shown = {wave.pk for column in columns for wave in column}
    after: dict[UUID, list[UUID]] = defaultdict(list)
    for key in shown:
        for other in before[key]:
            after[other].append(key)
    row: dict[UUID, int] = {}

    def settle(column: list[Any], neighbours: dict[UUID, list[UUID]]) -> None:
        def place(wave: Any) -> tuple[bool, float, int]:
            rows = [row[key] for key in neighbours.get(wave.pk, ()) if key in row]
            alone = not after[wave.pk] and not shown.intersection(before[wave.pk])
            middle = sum(rows) / len(rows) if rows else row.get(wave.pk, 0)
            return alone, middle, wave.sequence_number

        column.sort(key=place)
        row.update({wave.pk: number for number, wave in enumerate(column)})

    for column in columns:
        settle(column, before)
    for column in reversed(columns):
        settle(column, after)
    for column in columns:
        settle(column, before)


def edges(
    columns: list[list[Any]],
    before: dict[UUID, list[UUID]],
    tops: list[float],
    critical: list[Wave],
) -> Iterator[Edge]:
    """Return the edges of dependencies. One that others imply is omitted, unless it is critical."""
    place = {
        wave.pk: (number, row)
        for number, waves in enumerate(columns)
        for row, wave in enumerate(waves)
    }
    heavy = {(one.pk, other.pk) for one, other in pairwise(critical)}
    reach: dict[UUID, set[UUID]] = {}
    for waves in columns:
        for wave in waves:
            keys = [key for key in before[wave.pk] if key in place]
            beyond = set().union(*(reach[key] for key in keys))
            reach[wave.pk] = beyond | set(keys)
            for key in keys:
                is_heavy = (key, wave.pk) in heavy
                if key not in beyond or is_heavy:
                    yield Edge(curve(place[key], place[wave.pk], tops), is_heavy)


def curve(start: tuple[int, int], end: tuple[int, int], tops: list[float]) -> str:
    """Return a curve from the right of one card to the left of another; a column is 100 wide.

    Past the columns between, it runs in the gap between two rows.
    """
    (column, row), (to_column, to_row) = start, end
    x, y = 100 * column + 100 - INSET, 50 * (tops[row] + tops[row + 1])
    to_x, to_y = 100 * to_column + INSET, 50 * (tops[to_row] + tops[to_row + 1])
    path = f"M{x} {y:g}"
    if to_column - column > 1:
        gap = 100 * (tops[row + 1] if to_row > row else tops[row])
        path += f"C{x + 6} {y:g} {x + 4} {gap:g} {x + 12} {gap:g}H{to_x - 12}"
        x, y = to_x - 12, gap
    middle = (x + to_x) // 2
    return f"{path}C{middle} {y:g} {middle} {to_y:g} {to_x} {to_y:g}"
