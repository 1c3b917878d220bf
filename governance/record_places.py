"""Places in the record: what somebody has read of it, exactly, whatever commits in which order.

Numbers are drawn in one order and committed in another. So a place is the last number that was
seen, with those before it that were not there then and may still come. What is beyond a place, or
was missing in it, is unread; whoever reads on from a place sees each row once and misses none.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import Q

type Ranges = tuple[tuple[int, int], ...]

WRITTEN_REACH = re.compile(r"(\d{1,18})((?:~\d{1,18}(?:-\d{1,18})?)*)", re.ASCII)
LONGEST_PLACE = 20_000  # characters
MOST_MISSING = 200  # ranges that may still come: with more, a place is before the next of them


@dataclass(frozen=True)
class Reach:
    """The rows of one table up to a number, but for ranges of numbers that were not there."""

    upto: int = 0
    missing: Ranges = ()

    def __str__(self) -> str:
        return str(self.upto) + "".join(
            f"~{first}" if first == last else f"~{first}-{last}" for first, last in self.missing
        )

    @classmethod
    def parse(cls, text: str) -> "Reach":
        """Return what was written by `str`, or raise `ValueError`."""
        told = WRITTEN_REACH.fullmatch(text)
        if not told:
            raise ValueError(text)
        upto, missing, last = int(told[1]), [], 0
        for part in told[2].split("~")[1:]:
            first, _, end = part.partition("-")
            between = int(first), int(end or first)
            if not last < between[0] <= between[1] <= upto:
                raise ValueError(text)
            missing.append(between)
            last = between[1]
        return cls(upto, tuple(missing))

    def __contains__(self, number: int) -> bool:
        return number <= self.upto and not any(
            first <= number <= last for first, last in self.missing
        )

    def __or__(self, other: "Reach") -> "Reach":
        """Return what is in either."""
        upto = max(self.upto, other.upto)
        return Reach(upto, tuple(common(self._out_of(upto), other._out_of(upto))))

    def clipped(self, upto: int) -> "Reach":
        """Return the part of it up to a number."""
        if upto >= self.upto:
            return self
        kept = ((first, min(last, upto)) for first, last in self.missing if first <= upto)
        return Reach(upto, tuple(kept))

    def _out_of(self, upto: int) -> Ranges:
        return (*self.missing, (self.upto + 1, upto)) if self.upto < upto else self.missing

    def unread(self, field: str = "sequence") -> Q:
        """Return the condition of rows that are not in it."""
        beyond = Q(**{f"{field}__gt": self.upto})
        if not self.missing:
            return beyond
        among = reduce(or_, (Q(**{f"{field}__range": each}) for each in self.missing), beyond)
        return Q(**{f"{field}__gte": self.missing[0][0]}) & among  # for an index on the number

    def read(self, field: str = "sequence") -> Q:
        """Return the condition of rows that are in it."""
        among = Q(**{f"{field}__lte": self.upto})
        return reduce(lambda q, each: q & ~Q(**{f"{field}__range": each}), self.missing, among)


def common(one: Ranges, other: Ranges) -> Iterator[tuple[int, int]]:
    """Yield what two ordered lists of ranges have in common."""
    left, right = list(one), list(other)
    while left and right:
        first, last = max(left[0][0], right[0][0]), min(left[0][1], right[0][1])
        if first <= last:
            yield first, last
        (left if left[0][1] < right[0][1] else right).pop(0)


@dataclass(frozen=True)
class Place:
    """A place in the evidence, and one in the office log."""

    evidence: Reach = Reach()
    office: Reach = Reach()

    def __str__(self) -> str:
        return f"{self.evidence}_{self.office}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Return what was written by `str`, or raise `ValueError`."""
        evidence, _, office = text.partition("_")
        return cls(Reach.parse(evidence), Reach.parse(office))

    def __or__(self, other: "Place") -> "Place":
        return Place(self.evidence | other.evidence, self.office | other.office)


# Of each range what no row has, as this transaction sees the table.
GAPS = """
    WITH asked AS (
        SELECT * FROM unnest(%(firsts)s::bigint[], %(lasts)s::bigint[]) AS asked (first, last)
    ), seen AS (
        SELECT first, last, sequence FROM asked
        JOIN {table} ON sequence BETWEEN first AND last
        UNION ALL SELECT first, last, last + 1 FROM asked
    ), steps AS (
        SELECT sequence, lag(sequence, 1, first - 1)
            OVER (PARTITION BY first ORDER BY sequence) AS before FROM seen
    )
    SELECT before + 1, sequence - 1 FROM steps WHERE sequence > before + 1 ORDER BY 1
"""
NEXT = """
    SELECT coalesce(max(sequence), %(upto)s) FROM (
        SELECT sequence FROM {table} WHERE sequence > %(upto)s ORDER BY sequence LIMIT %(most)s
    ) AS following
"""


def reach_from(table: str, since: Reach, settled: int, most: int) -> Reach:
    """Return how far a table can be read now, from a place on, up to so many rows beyond it.

    `settled` is a number up to which no row can come any more, known before this transaction's
    snapshot was taken: what is not there before it, never will be.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEXT.format(table=table), {"upto": since.upto, "most": most})
        [upto] = cursor.fetchone()
        asked = [(max(first, settled + 1), last) for first, last in since.missing]
        asked.append((max(since.upto, settled) + 1, upto))
        asked = [(first, last) for first, last in asked if first <= last]
        if not asked:
            return Reach(upto)
        firsts, lasts = zip(*asked, strict=True)
        cursor.execute(GAPS.format(table=table), {"firsts": [*firsts], "lasts": [*lasts]})
        return bounded_reach(upto, cursor.fetchall(), since.upto)


def bounded_reach(upto: int, missing: Iterable[tuple[Any, ...]], least: int) -> Reach:
    """Return a reach of which so many ranges at most are missing, unless they were before."""
    found = [(int(first), int(last)) for first, last in missing]
    for place, (first, _) in enumerate(found):
        if place >= MOST_MISSING and first > least:
            return Reach(max(least, first - 1), tuple(found[:place]))
    return Reach(upto, tuple(found))
