"""The record that replays: what the trail says has become of everything, against what is there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import DateTimeField

from builders.models import Builder
from governance.models import Blocker
from programs.models import Program, Task, Wave

MODELS = (Program, Wave, Task, Builder, Blocker)
BATCH = 5_000

type Row = dict[str, Any]


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
            f"{self.entity}, {self.column}: the trail has {_shown(self.trail)} ({told}),"
            f" {where} {_shown(self.found)}."
        )


class Kind(NamedTuple):
    """A governed table, as its evidence trigger describes it."""

    noun: str
    table: str
    key: str
    untold: frozenset[str]  # columns that are derived or measured, and so no evidence
    times: frozenset[str]

    def read(self, doc: Row) -> Row:
        """Return the told columns of a row, its times in one zone: the trail has its writers'."""
        return {
            column: _moment(value) if column in self.times else value
            for column, value in doc.items()
            if column not in self.untold
        }


class Entity(NamedTuple):
    """What the trail said of a row so far: its values, and which evidence each comes from."""

    values: Row
    told_by: dict[str, int]


class Replay:
    """Rebuilds the governed rows from the witnessed trail, in memory bounded by their number."""

    def __init__(self) -> None:
        self.kinds = {kind.noun: kind for kind in _kinds()}
        self.entities: dict[tuple[str, str], Entity] = {}
        self.evidence = 0

    def first_difference(self) -> Difference | None:
        """Return where the trail first parts with itself, or else with the tables."""
        for sequence, noun, verb, key, said in _witnessed():
            self.evidence += 1
            if difference := self._follow(sequence, self.kinds[noun], verb, key, said):
                return difference
        return next(self._compare(), None)

    def _follow(
        self, sequence: int, kind: Kind, verb: str, key: str, said: Row
    ) -> Difference | None:
        """Take one more piece of evidence in, if it follows from what came before."""
        known = self.entities.get((kind.noun, key))
        name = f"{kind.noun} {known.values[kind.key] if known else key}"
        if verb in ("created", "raised"):
            if known:
                was = max(known.told_by.values())
                return Difference(name, "the row", "there", ABSENT, was, sequence)
            values = kind.read(said)
            self.entities[kind.noun, key] = Entity(values, dict.fromkeys(values, sequence))
            return None
        if not known:
            return Difference(name, "the row", ABSENT, "there", None, sequence)
        if verb == "deleted":
            before, after = kind.read(said), {}
            del self.entities[kind.noun, key]
        else:
            before = kind.read({column: change[0] for column, change in said.items()})
            after = kind.read({column: change[1] for column, change in said.items()})
        if difference := _differing(name, known, before, sequence):
            return difference
        known.values.update(after)
        known.told_by.update(dict.fromkeys(after, sequence))
        return None

    def _compare(self) -> Iterator[Difference]:
        """Compare what the trail left with what the tables have."""
        missing = self.entities.copy()
        for kind in self.kinds.values():
            for key, row in _rows(kind):
                name = f"{kind.noun} {row[kind.key]}"
                known = missing.pop((kind.noun, key), None)
                if known is None:
                    yield Difference(name, "the row", ABSENT, "there", None)
                elif difference := _differing(name, known, kind.read(row)):
                    yield difference
        for (noun, _), known in missing.items():
            name = f"{noun} {known.values[self.kinds[noun].key]}"
            yield Difference(name, "the row", "there", ABSENT, max(known.told_by.values()))


@contextmanager
def one_moment() -> Iterator[None]:
    """Read the trail and the tables as they are at one moment, whatever goes on meanwhile."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _differing(
    name: str, known: Entity, found: Row, broken_at: int | None = None
) -> Difference | None:
    # A column that was added after the row was told is known from its first change on.
    for column, told in known.values.items():
        if column in found and found[column] != told:
            return Difference(name, column, told, found[column], known.told_by[column], broken_at)
    return None


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
            untold=frozenset(name for names in untold for name in names.strip("{}").split(",")),
            times=frozenset(field.column for field in times),
        )


def _witnessed() -> Iterator[tuple[int, str, str, str, Row]]:
    """Walk what triggers wrote of our rows: sequence, noun, verb, key, and the row or its changes.

    Batch by batch, which stays small without a cursor on the server's side, whatever is between.
    """
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT sequence, said[1], said[2],
                    CASE said[1] WHEN '' THEN entity_type ELSE 'blocker' END,
                    CASE said[1]
                        WHEN '' THEN entity_id::text ELSE context -> 'snapshot' ->> 'blocker_id'
                    END,
                    CASE WHEN said[2] IN ('created', 'raised', 'deleted')
                        THEN context -> 'snapshot' ELSE context -> 'changes'
                    END
                FROM evidence_trail, regexp_match(action, %s) AS said
                WHERE sequence > %s AND witnessed AND said IS NOT NULL
                ORDER BY sequence LIMIT %s
                """,
                [
                    "^(blocker_|)(created|raised|deleted|state_changed|assigned|released"
                    "|resolved|reopened|progress_forced|edited)$",
                    *(after, BATCH),
                ],
            )
            batch = cursor.fetchall()
        for sequence, _, verb, noun, key, said in batch:
            yield sequence, noun, verb, key, json.loads(said, parse_float=Decimal)
        if len(batch) < BATCH:
            return
        after = batch[-1][0]


def _rows(kind: Kind) -> Iterator[tuple[str, Row]]:
    """Walk a table as the trail would tell it: each row's id in the trail, and the row."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb({kind.table}) FROM {kind.table} ORDER BY {kind.key}")  # noqa: S608  ours
        for (doc,) in cursor:
            row = json.loads(doc, parse_float=Decimal)
            key = row[kind.key]
            yield str(Builder(key).entity_id) if kind.noun == "builder" else key, row


def _moment(text: str | None) -> datetime | str | None:
    """Read a time; one beyond what Python knows (infinity) is compared as it is written."""
    try:
        return text and datetime.fromisoformat(text)
    except ValueError:
        return text


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else repr(value)
