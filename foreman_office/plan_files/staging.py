"""The records of a plan file in a table: only a batch of them is in memory at a time."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F, Min, QuerySet, Window
from psycopg.sql import Composable

from kit.core.inserting import inserting
from programs.models import StagedImport, StagedRecord

BATCH = 1_000
KEPT_PREVIEWS = 10  # of one person; an older one is given up


class NewRecord(NamedTuple):
    """A record as it was read, before its id is known."""

    position: int
    parent: int | None
    kind: str
    key: str | None
    given: UUID | None
    entity: str | None
    values: dict[str, Any]
    comparable: list[str]
    remarks: dict[str, Any]
    line: int
    lines: dict[str, int]


class RecordIdentity(NamedTuple):
    """What a record gets from its key and from the records around it."""

    position: int
    id: UUID | None
    subject_type: str
    subject_id: UUID | None
    values: dict[str, Any]  # more of them
    recorded: dict[str, Any] | None  # of its remarks, where it is not there yet


JSON_COLUMNS = {"values", "comparable", "remarks", "lines"}


def stage(name: str, person: Any) -> StagedImport:
    """Return a new staged import of a person, None for a command, in place of the oldest."""
    if person is not None:
        mine = StagedImport.objects.filter(person=person).order_by("-created_at")
        StagedImport.objects.filter(pk__in=mine.values("pk")[KEPT_PREVIEWS - 1 :]).delete()
    return StagedImport.objects.create(name=name, person=person)


@contextmanager
def filling(staged: StagedImport) -> Iterator[Callable[[NewRecord], None]]:
    """Yield a function that adds a record to a staged import."""
    json_columns = [name in JSON_COLUMNS for name in NewRecord._fields]
    columns = ["staged_import_id", *NewRecord._fields]
    with inserting(StagedRecord, columns, batch=BATCH) as rows:

        def add(record: NewRecord) -> None:
            values = zip(record, json_columns, strict=True)
            rows.write_row([staged.pk, *(encoded(v) if is_json else v for v, is_json in values)])

        yield add


def encoded(value: Any) -> str:
    """Return JSON that PostgreSQL reads as the columns have it: times and decimals as text."""
    return json.dumps(value, ensure_ascii=False, default=str)


def allow_time() -> None:
    """Raise the statement timeout in this transaction: one may read or write very many rows."""
    execute("SET LOCAL statement_timeout = '10min'")


def staged_records(staged: StagedImport) -> QuerySet[StagedRecord]:
    return StagedRecord.objects.filter(staged_import=staged)


def walk(rows: QuerySet[StagedRecord, Any]) -> Iterator[Any]:
    """Yield staged records, or tuples that begin with their positions, in the order of the file."""
    last, more = 0, True
    while more:
        batch = list(rows.filter(position__gt=last).order_by("position")[:BATCH])
        yield from batch
        if more := len(batch) == BATCH:
            last = batch[-1][0] if isinstance(batch[-1], tuple) else batch[-1].position


def repeated(
    rows: QuerySet[StagedRecord], *columns: str, most: int
) -> Iterator[tuple[StagedRecord, StagedRecord]]:
    """Return each record with the same value there as an earlier one, and the first of those."""
    first = Window(Min("position"), partition_by=[F(column) for column in columns])
    told = rows.annotate(first=first).filter(position__gt=F("first")).order_by("position")
    pairs = list(told.values_list("position", "first")[:most])
    numbers = {number for pair in pairs for number in pair}
    found = {row.position: row for row in rows.filter(position__in=numbers)}
    for again, earliest in pairs:
        yield found[again], found[earliest]


class RecordCounts(NamedTuple):
    """The number of records of a kind, and of those that differ from the office in each way."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    withheld: int = 0
    written_remarks: int = 0
    remarked_again: int = 0


def counts_by_kind(staged: StagedImport) -> dict[str, RecordCounts]:
    """Return the tally of each kind."""
    found = execute(
        """
        SELECT kind, count(*), count(*) FILTER (WHERE added), count(change), count(withheld),
            count(remark_id), count(remark_before) FILTER (WHERE NOT added)
        FROM staged_records WHERE staged_import_id = %s GROUP BY kind
        """,
        [staged.pk],
    )
    return {kind: RecordCounts(*numbers) for kind, *numbers in found}


def identify(staged: StagedImport, identities: Iterable[RecordIdentity]) -> None:
    columns = [[*column] for column in zip(*identities, strict=True)]
    columns[4] = [encoded(value) for value in columns[4]]
    columns[5] = [value and encoded(value) for value in columns[5]]
    execute(
        """
        UPDATE staged_records AS record SET
            record_id = found.id,
            subject_type = found.subject_type,
            subject_id = found.subject_id,
            values = record.values || found.values,
            remarks = CASE WHEN found.recorded IS NULL THEN record.remarks
                ELSE record.remarks || jsonb_build_object('recorded',
                    found.recorded || coalesce(record.remarks -> 'recorded', '{}')) END
        FROM unnest(%s::int[], %s::uuid[], %s::text[], %s::uuid[], %s::jsonb[], %s::jsonb[])
            AS found (position, id, subject_type, subject_id, values, recorded)
        WHERE record.staged_import_id = %s AND record.position = found.position
        """,
        [*columns, staged.pk],
    )


def find_subjects(staged: StagedImport) -> None:
    """Set on each blocker and each piece of evidence the id of what it is about."""
    execute(
        """
        UPDATE staged_records AS record SET
            subject_id = about.record_id,
            values = record.values || jsonb_build_object('entity_id', about.record_id)
        FROM staged_records AS about
        WHERE record.staged_import_id = %s AND record.kind IN ('blocker', 'evidence')
            AND record.subject_id IS NULL
            AND about.staged_import_id = record.staged_import_id
            AND about.kind = record.subject_type AND about.key = record.entity
        """,
        [staged.pk],
    )


def add_values(staged: StagedImport, values: dict[int, dict[str, Any]]) -> None:
    """Set columns of some records, by their positions."""
    execute(
        """
        UPDATE staged_records AS record SET values = record.values || more.values
        FROM unnest(%s::int[], %s::jsonb[]) AS more (position, values)
        WHERE record.staged_import_id = %s AND record.position = more.position
        """,
        [[*values], [encoded(each) for each in values.values()], staged.pk],
    )


def remark(staged: StagedImport, remarks: Iterable[tuple[int, UUID, Any]]) -> None:
    """Mark the records with a new remark in the file: its id, and the remark before."""
    columns = [[*column] for column in zip(*remarks, strict=True)]
    if columns:
        columns[2] = [before and encoded(before) for before in columns[2]]
        execute(
            """
            UPDATE staged_records AS record SET remark_id = news.id, remark_before = news.before
            FROM unnest(%s::int[], %s::uuid[], %s::jsonb[]) AS news (position, id, before)
            WHERE record.staged_import_id = %s AND record.position = news.position
            """,
            [*columns, staged.pk],
        )


def progress(staged: StagedImport) -> dict[int, tuple[int, int]]:
    """Return the sum and the number of the tasks' progress, by the position of a wave."""
    found = execute(
        """
        SELECT parent, sum((values ->> 'progress_percentage')::int), count(*)
        FROM staged_records WHERE staged_import_id = %s AND kind = 'task' GROUP BY parent
        """,
        [staged.pk],
    )
    return {position: (total, number) for position, total, number in found}


def digest(staged: StagedImport) -> str:
    """Return a digest of the staged records and how they differ from the office."""
    ((found,),) = execute(
        """
        SELECT encode(sha256(convert_to(string_agg(
            jsonb_build_array(kind, coalesce(record_id::text, key), added, change, remark_id)::text,
            E'\\n' ORDER BY position), 'UTF8')), 'hex')
        FROM staged_records WHERE staged_import_id = %s
        """,
        [staged.pk],
    )
    return found


def execute(statement: str | Composable, params: Any = None) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, none where it has none."""
    text = statement if isinstance(statement, str) else statement.as_string()
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        return cursor.fetchall() if cursor.description else []
