"""Return a row of the office as a record that means exactly this row when it is read again."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from pydantic import ValidationError

from foreman_office.plan_files import records
from foreman_office.plan_files.difference import canonical
from foreman_office.plan_files.plan import OF_THE_TASK
from foreman_office.plan_files.record_base import RecordWithRemarks
from foreman_office.plan_files.records import OWN_CONTEXT

BATCH = 100  # rows that are read at once; of tasks, with their history

type OfficeRow = dict[str, Any]


class Unwritable(Exception):
    """A row of the office that no plan file can express."""


def values_of_rows(record: type[RecordWithRemarks], rows: QuerySet[Any]) -> Iterator[OfficeRow]:
    """Return the rows' columns that the file has words for, and those that place them."""
    places = {"wave_id", "task_id", "entity_id", "recorded"} & {
        f.attname for f in rows.model._meta.fields
    }
    columns = {name for name in record.stated if name != "entity"} | places
    return rows.values("pk", *sorted(columns)).iterator(BATCH)


INHERITED = "inherited"  # the column that is the task's own, and may be left out


def leave_out_what_follows(kind: str, row: OfficeRow, task: OfficeRow) -> None:
    """Record what a file may leave out of a run or validation, because it follows from the rest."""
    column = OF_THE_TASK.get(kind)
    if column and row[column] == task[column]:
        row[INHERITED] = column
        row[column] = row[column] or None
    if kind == "qa_run" and row["arrived_at"] == row["executed_at"]:
        row["arrived_at"] = None


def record_of_row(
    record: type[RecordWithRemarks],
    words: Mapping[str, Any],
    row: Mapping[str, Any],
    recorded: Mapping[str, Any] = {},
) -> dict[str, Any]:
    """Return `words` and the row's columns as a record that means exactly this row.

    `recorded` are words of its own that the file had for some columns, None for silence. They
    are kept for as long as the row still is what they were taken to mean.
    """
    standard = {
        word: record.file_value(name, row[name]) for name, word in record.stated.items()
    } | dict(words)
    if recorded:
        days = {word for name, word in record.stated.items() if isinstance(row[name], datetime)}
        written = in_file_order(
            record,
            standard
            | {
                word: date.fromisoformat(own) if own and word in days else own
                for word, own in recorded.items()
            },
        )
        if not differences_when_read(record, written, row):
            return written
    written = in_file_order(record, standard)
    if objections := differences_when_read(record, written, row):
        raise Unwritable(f"{record.kind} {row['pk']}: {'; '.join(objections)}")
    return written


def evidence_of_file(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of the trail that came from a file, its remarks beside its context again."""
    context = dict(row["context"])
    own = {
        name: context.pop(name, None) for name in [*OWN_CONTEXT, *records.EvidenceRecord.unstored]
    }
    words = {name: own[name] for name in ["key", *records.EvidenceRecord.unstored]}
    recorded = {**(own["recorded"] or {})}
    if own["actor_recorded"] is False:
        recorded["actor"] = None
    return record_of_row(records.EvidenceRecord, words | {"context": context}, row, recorded)


def in_file_order(record: type[RecordWithRemarks], words: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's words in the order of a file."""
    fields = [name for name in record.model_fields if name not in RecordWithRemarks.model_fields]
    order = [
        record.model_fields[name].alias or name
        for name in [*fields, *RecordWithRemarks.model_fields]
    ]
    return {word: words[word] for word in order if words.get(word) is not None}


def differences_when_read(
    record: type[RecordWithRemarks], words: Mapping[str, Any], row: Mapping[str, Any]
) -> list[str]:
    """Return why these words, read again, would not be this row."""
    try:
        again = record.model_validate(dict(words))
    except ValidationError as error:
        return [f"{found['loc']}: {found['msg']}" for found in error.errors()]
    objections: list[str] = []
    again.apply_defaults(lambda _, name, reason: objections.append(f"{name}: {reason}"))
    return objections or [
        name
        for name in record.stated
        if canonical(getattr(again, name)) != canonical(row[name])
        and not (getattr(again, name) is None and row.get(INHERITED) == name)
    ]
