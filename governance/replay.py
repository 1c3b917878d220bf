"""The record that replays: what the trail says has become of everything, against what is there."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from json import JSONDecoder
from math import inf
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import DateTimeField

from builders.models import Builder
from governance.models import Blocker
from programs.models import Program, Task, Wave

MODELS = (Program, Wave, Task, Builder, Blocker)
BATCH = 1_000  # lines that are fetched at once
MADE = {"created", "raised"}
DELETED = "deleted"
CHANGED = {
    *("state_changed", "assigned", "released", "resolved", "reopened"),
    *("progress_forced", "edited"),
}
FOUND = "found"  # in the table

type Row = dict[str, Any]

_decode = JSONDecoder(parse_float=Decimal).decode


class Absent:
    """What is said of a row that is not there."""

    def __repr__(self) -> str:
        return "not there"


ABSENT = Absent()


class Difference(NamedTuple):
    """Where the trail and a table part; or where the trail parts with itself.

    `sequence` is the evidence that `trail`, the value by the trail, comes from. Where the trail is
    at odds with itself, `found` is not in the table: the evidence `broken_at` found it.
    """

    entity: str
    column: str
    trail: Any
    found: Any
    sequence: int | None
    broken_at: int | None = None

    def __str__(self) -> str:
        told = f"evidence {self.sequence}" if self.sequence else "no evidence"
        where = f"evidence {self.broken_at} found" if self.broken_at else "the table has"
        return (
            f"{self.entity}, {self.column}: the trail has {self.trail!r} ({told}),"
            f" {where} {self.found!r}."
        )


class Kind(NamedTuple):
    """A governed table, as its evidence trigger describes it."""

    noun: str
    table: str
    key: str
    untold: list[str]  # columns that are derived or measured, and so no evidence
    times: frozenset[str]

    def parting(self, told: Row, said: Row) -> str | None:
        """Return a column of which something else is said than was told."""
        if told == said:
            return None
        # A column that was added after the row was told is known from its first change on.
        both = (column for column in told if column in said)
        return next((c for c in both if self.value(c, told[c]) != self.value(c, said[c])), None)

    def value(self, column: str, said: Any) -> Any:
        """Return what is meant: the trail has times in the zones of its writers."""
        return _moment(said) if column in self.times else said


class Line(NamedTuple):
    """What the trail says of a row, or at last its table."""

    key: str | None
    sequence: int | None  # none for the table
    verb: str
    said: str | None  # the row, or what changed of it


class Replay:
    """Rebuilds the governed rows from the witnessed trail, each from all that is said of it.

    No more than one row is in memory at a time, however many there are and however long the trail.
    """

    def __init__(self) -> None:
        self.evidence = 0
        self.rows = 0

    def first_difference(self) -> Difference | None:
        """Return where the trail first parts with itself, or else with the tables."""
        return min(self._differences(), key=lambda found: found.broken_at or inf, default=None)

    def _differences(self) -> Iterator[Difference]:
        for kind in _kinds():
            for key, lines in groupby(self._counted(_lines(kind)), attrgetter("key")):
                if difference := _follow(kind, key, lines):
                    yield difference

    def _counted(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            if line.verb == FOUND:
                self.rows += 1
            else:
                self.evidence += 1
            yield line


@contextmanager
def one_moment() -> Iterator[None]:
    """Read the trail and the tables as they are at one moment, whatever goes on meanwhile."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")  # a long trail takes long to sort
        yield


def _follow(kind: Kind, key: str | None, lines: Iterable[Line]) -> Difference | None:
    """Follow all that is said of one row, and return where it does not follow."""
    told: Row = {}  # empty while the row is not there
    told_by: dict[str, int | None] = {}
    name, last = kind.noun, None
    for line in lines:
        said: Row = _decode(line.said) if line.said else {}
        name = f"{kind.noun} {(told or said).get(kind.key, key)}"
        if line.verb in MADE:
            if told:
                return Difference(name, "the row", "there", ABSENT, last, line.sequence)
            told = {kind.key: ABSENT} | said  # a row that is told without its key is not told
            told_by = dict.fromkeys(told, line.sequence)
        elif not told:
            return Difference(name, "the row", ABSENT, "there", None, line.sequence)
        else:
            whole = line.verb not in CHANGED
            before = said if whole else {column: change[0] for column, change in said.items()}
            if column := kind.parting(told, before):
                by, found = told_by[column], before[column]
                return Difference(name, column, told[column], found, by, line.sequence)
            if whole:
                told = {}
            else:
                told |= {column: change[1] for column, change in said.items()}
                told_by |= dict.fromkeys(said, line.sequence)
        last = line.sequence
    return Difference(name, "the row", "there", ABSENT, last) if told else None


def _kinds() -> Iterator[Kind]:
    """Read what leaves evidence where it is said: from the arguments of the triggers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, encode(tgargs, 'escape') FROM pg_trigger"
            " WHERE tgname = 'governance_evidence_updated'"
        )
        arguments = dict(cursor.fetchall())
    for model in MODELS:
        table = model._meta.db_table
        noun, key, *untold = arguments[table].removesuffix(r"\000").split(r"\000")
        times = (f for f in model._meta.concrete_fields if isinstance(f, DateTimeField))
        yield Kind(
            noun,
            table,
            key,
            untold=[name for names in untold for name in names.strip("{}").split(",") if name],
            times=frozenset(field.column for field in times),
        )


def _lines(kind: Kind) -> Iterator[Line]:
    """Walk row by row what triggers wrote of a table, and after that the row as it stands there."""
    about, prefix = "entity_type = %(noun)s", ""
    key_told, key_found = "entity_id", kind.key
    match kind.noun:
        case "builder":
            key_found = "builder_entity_id(builder_id)"
        case "blocker":  # of which the evidence of what it blocks speaks
            about, prefix = "true", "blocker_"
            key_told, key_found = "context -> 'snapshot' ->> 'blocker_id'", "blocker_id::text"
    statement = f"""
        SELECT key::text, sequence, verb, said
        FROM (
            SELECT {key_told} AS key, sequence, substr(action, length(%(prefix)s) + 1) AS verb,
                (context -> CASE WHEN action = ANY (%(changed)s) THEN 'changes' ELSE 'snapshot' END)
                    - %(untold)s::text[] AS said
            FROM evidence_trail
            WHERE witnessed AND {about} AND action = ANY (%(changed)s::text[] || %(whole)s)
            UNION ALL
            SELECT {key_found}, NULL, %(found)s, to_jsonb({kind.table}) - %(untold)s::text[]
            FROM {kind.table}
        ) AS lines
        ORDER BY lines.key, sequence
    """  # noqa: S608  our own names
    params = {
        "noun": kind.noun,
        "prefix": prefix,
        "changed": [prefix + verb for verb in CHANGED],
        "whole": [prefix + verb for verb in {*MADE, DELETED}],
        "untold": kind.untold,
        "found": FOUND,
    }
    with connection.chunked_cursor() as cursor:  # the database keeps what is not yet fetched
        cursor.execute(statement, params)
        while batch := cursor.fetchmany(BATCH):
            yield from map(Line._make, batch)


def _moment(text: str | None) -> datetime | str | None:
    """Read a time; one beyond what Python knows (infinity) is compared as it is written."""
    try:
        return text and datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return text
