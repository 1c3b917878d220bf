"""The base of the records of a plan file: parts, remarks, and how they compare."""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Self, get_args, get_origin
from uuid import UUID

from django.db import models
from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)

from foreman_office.plan_files.field_types import Id, Key, Texts
from foreman_office.plan_files.reading import RecordPlace, plain

ReportError = Callable[["RecordWithRemarks", str | None, str], None]


class Structured(BaseModel):
    """A model whose parts may be records, which are read and checked by themselves."""

    model_config = ConfigDict(extra="forbid", strict=True)
    parts: ClassVar[dict[str, RecordPlace]]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        cls.parts = dict(cls._parts())

    @classmethod
    def _parts(cls) -> Iterator[tuple[str, RecordPlace]]:
        for name, field in cls.model_fields.items():
            if get_origin(field.annotation) is list:
                (item,) = get_args(field.annotation)
                if isinstance(item, type) and issubclass(item, Structured):
                    yield name, RecordPlace(item, name, many=True)


class RecordWithRemarks(Structured):
    """A record, and the file's remarks on it. `null` means the same as leaving a field out."""

    kind: ClassVar[str]
    table: ClassVar[type[models.Model]]
    stated: ClassVar[dict[str, str]]  # the fields that have a column, and the file's word for each
    unstored: ClassVar[list[str]]  # the fields that have none

    source: Texts = None
    note: str | None = None
    derived: list[str] | None = None
    time_basis: str | None = None

    _read: Any = PrivateAttr()  # the `reading.Mapping` that it comes from

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not hasattr(cls, "table"):
            return
        columns = {field.attname for field in cls.table._meta.concrete_fields}
        names = [name for name in cls.model_fields if name not in STRUCTURE]
        cls.stated = {
            name: cls.model_fields[name].alias or name
            for name in names
            if name in columns or name == "entity"
        }
        cls.unstored = [name for name in names if name not in cls.stated]

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict):
            return handler(data)
        record = handler({key: value for key, value in data.items() if value is not None})
        record._read = data
        return record

    def apply_defaults(self, report_error: ReportError) -> None:
        """Fill in what follows from the rest, and report what contradicts it."""

    def written_remarks(self) -> dict[str, Any]:
        """Return what the file has beyond the columns, and its values that differ from columns.

        `recorded` holds the file's own value of a field that is stored otherwise, null for none:
        a readiness that the score does not bear out, a count that was derived, a bare date.
        """
        remarks = {name: getattr(self, name) for name in self.unstored}
        remarks["recorded"] = self._recorded()
        return {name: value for name, value in remarks.items() if value not in EMPTY}

    def _recorded(self) -> dict[str, Any]:
        read, recorded = self._read, {}  # a private attribute of pydantic takes long to find
        for name, word in self.stated.items():
            if name in NOT_RECORDED:
                continue
            stated_value = read.get(word)
            if self.is_omitted(name, stated_value):
                stated_value = None
            file_value = self.file_value(name, getattr(self, name))
            if not is_same_value(stated_value, file_value):
                recorded[word] = plain(stated_value)
        return recorded

    @classmethod
    def is_omitted(cls, name: str, value: Any) -> bool:
        """Return whether a file that omits the field means the same."""
        return value is None or (value in EMPTY and value == cls.model_fields[name].default)

    @classmethod
    def file_value(cls, name: str, value: Any) -> Any:
        """Return the file's value for a column, None where it is omitted."""
        if cls.is_omitted(name, value):
            return None
        if isinstance(value, Decimal):
            return int(value) if value == int(value) else float(value)
        if isinstance(value, UUID):
            return str(value)
        return value


EMPTY: list[Any] = [None, "", [], {}]
STRUCTURE = {"key", "id", "waves", "tasks", "validations", "qa_runs", "violations", "heartbeats"}
# What the office itself measures: a file's word counts when the row is made.
MEASURED = {
    *("created_at", "updated_at", "worked_at", "work_received_at", "arrived_at", "occurrences"),
}
NOT_RECORDED = MEASURED | {"backend_type", "entity"}  # a builder's own backend is written as it is


def is_same_value(stated_value: Any, standard: Any) -> bool:
    if isinstance(stated_value, datetime):
        return stated_value == standard
    return plain(stated_value) == plain(standard)


class KeyedRecord(RecordWithRemarks):
    key: Key
    id: Id | None = None


def check_order(record: KeyedRecord, began: str, ended: str, report_error: ReportError) -> None:
    """Report what ended before it began: no duration is below zero."""
    first, last = getattr(record, began), getattr(record, ended)
    if first and last and last < first:
        report_error(record, ended, f"is before {began}")
