"""Rebuild the state from the evidence, and compare it with the tables."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from itertools import chain, groupby
from json import JSONDecoder
from math import inf
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection, transaction

from governance.replayed_tables import DELETED, MADE, ReplayedTable, replayed_tables

BATCH = 1_000  # lines that are fetched at once
FOUND = "found"  # in the table
RECORDS = {"evidence_trail": "evidence", "office_log": "office log"}

type ReplayedRow = dict[str, Any]

_decode = JSONDecoder(parse_float=Decimal).decode


class Absent:
    """The value of a column of a row that does not exist."""

    def __repr__(self) -> str:
        return "not there"


ABSENT = Absent()


class ReplayDifference(NamedTuple):
    """A difference between the trail and a table, or within the trail.

    `sequence` is the evidence that `trail`, the value by the trail, comes from. Where the trail is
    at odds with itself, `found` is not in the table: the evidence `broken_at` found it.
    """

    entity: str
    column: str
    trail: Any
    found: Any
    sequence: int | None
    broken_at: int | None = None
    record: str = "evidence"

    def __str__(self) -> str:
        told = f"{self.record} {self.sequence}" if self.sequence else f"no {self.record}"
        where = f"{self.record} {self.broken_at} found" if self.broken_at else "the table has"
        return (
            f"{self.entity}, {self.column}: the {self.record} has {self.trail!r} ({told}),"
            f" {where} {self.found!r}."
        )


class ReplayLine(NamedTuple):
    """What the trail says of a row, or in the end its table."""

    key: str | None
    sequence: int | None  # none for the table
    verb: str
    said: str | None  # the row, or what changed of it


class Replay:
    """Rebuilds the governed rows from the witnessed trail, each from all of its evidence.

    No more than one row is in memory at a time, however many there are and however long the trail.
    """

    def __init__(self) -> None:
        self.evidence = 0
        self.rows = 0
        # Rows whose evidence is older than something it tells now, by that and by their table.
        self.not_compared: Counter[tuple[str, str]] = Counter()

    def first_difference(self) -> ReplayDifference | None:
        """Return the first difference within the trail, or else between it and the tables."""
        return _first(self.first_differences())

    def first_differences(self) -> list[ReplayDifference]:
        """Return the first difference of each table that has any."""
        found = (_first(self._differences(table)) for table in replayed_tables())
        return [difference for difference in found if difference]

    def _differences(self, table: ReplayedTable) -> Iterator[ReplayDifference]:
        for key, lines in groupby(self._counted(_lines(table)), attrgetter("key")):
            if difference := self._follow(table, key, lines):
                yield difference._replace(record=RECORDS[table.trail])

    def _counted(self, lines: Iterable[ReplayLine]) -> Iterator[ReplayLine]:
        for line in lines:
            if line.verb == FOUND:
                self.rows += 1
            else:
                self.evidence += 1
            yield line

    def _follow(
        self, table: ReplayedTable, key: str | None, lines: Iterator[ReplayLine]
    ) -> ReplayDifference | None:
        """Replay the evidence of one row, and return the first contradiction."""
        made, then = next(lines), next(lines, None)
        if then and then.verb == FOUND and made.verb in MADE and made.said == then.said:
            return None  # as it was made, in the same words
        lines = chain([made], [then] if then else [], lines)
        told: ReplayedRow = {}  # empty while the row is not there
        told_by: dict[str, int | None] = {}
        name, last, before_it = table.name, None, None
        for line in lines:
            if table.is_told_of_each_program and before_it == line[2:]:
                continue
            before_it = line[2:]
            said: ReplayedRow = _decode(line.said) if line.said else {}
            name = f"{table.name} {(told or said).get(table.key, key)}"
            if line.verb in MADE:
                if told:
                    return ReplayDifference(name, "the row", "there", ABSENT, last, line.sequence)
                # A row that is told without its key is not told.
                told = {table.key: ABSENT} | said
                told_by = dict.fromkeys(told, line.sequence)
            elif not told:
                return ReplayDifference(name, "the row", ABSENT, "there", None, line.sequence)
            elif line.verb in table.after:
                told |= said
                told_by |= dict.fromkeys(said, line.sequence)
            else:
                whole = line.verb not in table.changed
                before = said if whole else {column: pair[0] for column, pair in said.items()}
                if column := _parting(table, told, before):
                    by, found = told_by[column], before[column]
                    return ReplayDifference(name, column, told[column], found, by, line.sequence)
                if line.verb == FOUND and table.beside and table.beside not in told:
                    self.not_compared[table.name, table.beside] += 1
                if whole:
                    told = {}
                else:
                    told |= {column: pair[1] for column, pair in said.items()}
                    told_by |= dict.fromkeys(said, line.sequence)
            last = line.sequence
        return ReplayDifference(name, "the row", "there", ABSENT, last) if told else None


@contextmanager
def one_moment() -> Iterator[None]:
    """Read the trail and the tables in one snapshot, whatever is written meanwhile."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")  # a long trail takes long to sort
        yield


def _first(differences: Iterable[ReplayDifference]) -> ReplayDifference | None:
    return min(differences, key=lambda found: found.broken_at or inf, default=None)


def _parting(table: ReplayedTable, told: ReplayedRow, said: ReplayedRow) -> str | None:
    """Return a column whose value differs from what the evidence says."""
    if told == said:
        return None
    # A column that was added after the row's evidence is known from its first change on.
    for column in told:
        if column in said and told[column] != said[column]:
            is_time = column in table.times
            if not is_time or _moment(told[column]) != _moment(said[column]):
                return column
    return None


def _lines(table: ReplayedTable) -> Iterator[ReplayLine]:
    """Yield, row by row, what triggers wrote of a table, and after that the row as it is."""
    about = "true" if table.prefix else "entity_type = %(noun)s"
    beside_told = beside_found = ""
    if table.beside:
        beside_told = f"""
            || CASE WHEN {table.beside_told} IS NULL THEN '{{}}'
                ELSE jsonb_build_object('{table.beside}', {table.beside_told}) END
        """
        beside_found = f"|| jsonb_build_object('{table.beside}', {table.beside_found})"
    statement = f"""
        SELECT key::text, sequence, verb, said
        FROM (
            SELECT {table.key_told} AS key, sequence,
                substr(action, length(%(prefix)s) + 1) AS verb,
                (CASE WHEN action = ANY (%(changed)s) THEN context -> 'changes'
                    ELSE context -> 'snapshot' {beside_told} END) - %(untold)s::text[] AS said
            FROM {table.trail}
            WHERE witnessed AND {about} AND action = ANY (%(actions)s)
            UNION ALL
            SELECT {table.key_found}, NULL, %(found)s,
                to_jsonb({table.table}) - %(untold)s::text[] {beside_found}
            FROM {table.table}
        ) AS lines
        ORDER BY lines.key, sequence
    """  # noqa: S608  our own names
    verbs = {*MADE, *table.changed, *table.after, DELETED}
    params = {
        "noun": table.noun,
        "prefix": table.prefix,
        "changed": [table.prefix + verb for verb in table.changed],
        "actions": [table.prefix + verb for verb in sorted(verbs)],
        "untold": [*table.untold],
        "found": FOUND,
    }
    with connection.chunked_cursor() as cursor:  # the database keeps what is not yet fetched
        cursor.execute(statement, params)
        while batch := cursor.fetchmany(BATCH):
            yield from map(ReplayLine._make, batch)


def _moment(text: str | None) -> datetime | str | None:
    """Return a time; one beyond Python's range (infinity) is compared as text."""
    try:
        return text and datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return text
