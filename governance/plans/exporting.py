"""Write a program as the plan file that would make it again."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from itertools import batched, chain, islice
from math import inf
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple
from uuid import UUID

import yaml
from django.db.models import Q, QuerySet
from django.utils.text import slugify
from pydantic import ValidationError

from builders.models import Builder
from governance.models import Evidence
from governance.plans import records
from governance.plans.difference import (
    IMPORTED,
    Kept,
    canonical,
    in_office,
    looking,
    newest_remarks,
)
from governance.plans.plan import BUILDER_ENTITIES, KINDS, program_id, record_id
from governance.plans.records import OWN_CONTEXT, Remarked
from programs.models import BuilderName, Program, Task

HEADER = "# A program of Foreman Office as a plan file.\n"
HISTORY = {
    "validation": "validations",
    "qa_run": "qa_runs",
    "violation": "violations",
    "heartbeat": "heartbeats",
}
WHEN = {
    "task": "created_at",
    "validation": "validated_at",
    "qa_run": "executed_at",
    "violation": "detected_at",
    "heartbeat": "timestamp",
    "blocker": "detected_at",
}


LAST = inf  # the place of what the file did not have
BATCH = 100  # rows that are read at once; of tasks, with their history

type Row = dict[str, Any]
type Remarks = Mapping[tuple[str, str], Kept]


class Unwritable(Exception):
    """A row of the office that no plan file could say."""


def export(program: Program) -> IO[bytes]:
    """Return the program with its history as a plan file, which is gone when it is closed."""
    with ExitStack() as stack:
        file = stack.enter_context(TemporaryFile())
        file.write(HEADER.encode())
        with looking():
            _Dumper(file, encoding="utf-8", allow_unicode=True, width=100).write(
                _Exporter(program).document()
            )
        file.seek(0)
        stack.pop_all()
    return file


class _TaskPlace(NamedTuple):
    """Where a task stands in the file, and what names it."""

    place: float
    created_at: datetime
    id: UUID
    wave: UUID
    name: str
    key: str | None


class _Exporter:
    """Tells a program record by record: of its tasks and its trail few are in memory at a time.

    What stays is how others refer to a task, and which keys there are.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.recorded_key = _recorded_key(program)
        waves = in_office("wave", program.pk).values_list("pk", flat=True)
        self.kept = self.remarks({program.pk, *waves, *BUILDER_ENTITIES.values()})
        self.recorded_keys = _keys_of(self.kept)
        of_builders = Q(entity_type="builder", context__has_key="key")
        trail = Evidence.objects.within(program) | Evidence.objects.filter(of_builders)
        self.trail = trail.as_it_happened().order_by("timestamp", "sequence")
        told = self.trail.filter(context__has_key="key")
        for row in told.values("pk", "context").iterator(BATCH):
            if self.is_of_file(row):
                self.recorded_keys.add(row["context"]["key"])
        self.keys: dict[UUID, str] = {}
        self.taken: set[str] = set(BuilderName.values)

    def remarks(self, entities: Iterable[UUID]) -> Remarks:
        return newest_remarks(self.recorded_key, entities)

    def document(self) -> dict[str, Any]:
        (program,) = _values(records.Program, Program.objects.filter(pk=self.program.pk))
        found = _values(records.Wave, in_office("wave", self.program.pk))
        waves = sorted(found, key=itemgetter("sequence_number"))
        places = self.places()
        for kind, rows in (("program", [program]), ("wave", waves)):
            for row in rows:
                self.keys[row["pk"]] = self.name(kind, row, self.kept)
        tasks: dict[UUID, list[UUID]] = defaultdict(list)
        for place in places:
            self.keys[place.id] = self.key("task", place.id, place.name, place.key)
            tasks[place.wave].append(place.id)

        return {
            "format_version": records.FORMAT_VERSION,
            "program": self.told("program", program, self.kept)
            | {"waves": self.waves(waves, tasks)},
            "builders": (self.told("builder", row, self.kept) for row in self.builders()),
            "blockers": self.blockers(),
            "evidence": self.evidence(),
        }

    def places(self) -> list[_TaskPlace]:
        """Return the tasks in the order of the file, and what came later in that of time.

        What else is recorded about them has its keys, too.
        """
        places = []
        tasks = in_office("task", self.program.pk).values_list(
            "created_at", "pk", "wave_id", "name"
        )
        for rows in batched(tasks.iterator(BATCH), BATCH):
            remarks = self.remarks([id for _, id, *_ in rows])
            self.recorded_keys |= _keys_of(remarks)
            for created_at, id, wave, name in rows:
                kept = remarks.get(("task", str(id)))
                place, key = (kept.place, kept.key) if kept else (LAST, None)
                places.append(_TaskPlace(place, created_at, id, wave, name, key))
        return sorted(places)

    def waves(
        self, rows: Iterable[Row], tasks: Mapping[UUID, list[UUID]]
    ) -> Iterator[dict[str, Any]]:
        told = self.tasks(chain.from_iterable(tasks[row["pk"]] for row in rows))
        for row in rows:
            row["dependencies"] = [self.keys[UUID(id)] for id in row["dependencies"]]
            within = (task for task in islice(told, len(tasks[row["pk"]])))
            yield self.told("wave", row, self.kept) | {"tasks": within}

    def tasks(self, ids: Iterable[UUID]) -> Iterator[dict[str, Any]]:
        """Tell tasks with their history, some of them at a time."""
        for batch in batched(ids, BATCH):
            kept = self.remarks(batch)
            found = _values(records.Task, Task.objects.filter(pk__in=batch))
            rows = {row["pk"]: row for row in found}
            history: dict[UUID, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
            for kind, word in HISTORY.items():
                past = KINDS[kind].table._default_manager.filter(task__in=batch)
                for row in self.in_order(kind, past, kept):
                    history[row["task_id"]][word].append(self.told(kind, row, kept))
            for id in batch:
                yield self.told("task", rows[id], kept) | history[id]

    def blockers(self) -> Iterator[dict[str, Any]]:
        blockers = in_office("blocker", self.program.pk)
        kept = self.remarks(set(blockers.values_list("entity_id", flat=True)))
        for row in self.in_order("blocker", blockers, kept):
            row["entity"] = self.keys[row["entity_id"]]
            yield self.told("blocker", row, kept)

    def in_order(self, kind: str, rows: QuerySet[Any], remarks: Remarks) -> list[Row]:
        """Return rows in the order of the file, and what came later in that of time."""

        def place(row: Row) -> tuple[Any, ...]:
            kept = remarks.get((kind, str(row["pk"])))
            return kept.place if kept else LAST, row[WHEN[kind]], row["pk"]

        return sorted(_values(KINDS[kind], rows), key=place)

    def builders(self) -> list[Row]:
        """Return the builders that the program has to do with."""
        concerned = {id for kind, id in self.kept if kind == "builder"}
        for kind, column in (
            ("task", "assigned_builder"),
            ("violation", "builder"),
            ("heartbeat", "builder"),
        ):
            rows = in_office(kind, self.program.pk).order_by()
            concerned |= {*rows.values_list(column, flat=True).distinct()}
        found = _values(records.Builder, Builder.objects.filter(pk__in=concerned - {None}))
        return sorted(found, key=lambda row: self.place_of_builder(row["pk"]))

    def place_of_builder(self, name: str) -> tuple[float, str]:
        kept = self.kept.get(("builder", name))
        return (kept.place if kept else LAST), name

    def name(self, kind: str, row: Row, remarks: Remarks) -> str:
        """Find the row's key: the one of its file, or else one made of its name."""
        kept = remarks.get((kind, str(row["pk"])))
        return self.key(kind, row["pk"], row.get("name", ""), kept and kept.key)

    def key(self, kind: str, id: UUID, name: str, recorded: str | None) -> str:
        noun = kind.replace("_", "-")
        title = slugify(name)[:48].strip("-") if name else id.hex[:8]
        made = [f"{noun}-{title or id.hex[:8]}", f"{noun}-{title}-{id.hex[:8]}", f"{noun}-{id.hex}"]
        keys = [key for key in made if key not in self.recorded_keys]
        if recorded is not None:
            keys.insert(0, recorded)
        key = next(key for key in keys if key not in self.taken)
        self.taken.add(key)
        return key

    def told(self, kind: str, row: Row, remarks: Remarks) -> dict[str, Any]:
        """Return a row in the words of its file, as far as they still mean the row."""
        record = KINDS[kind]
        kept = remarks.get((kind, str(row["pk"])))
        said = kept.content if kept else {}
        words = self.identity(kind, row, remarks)
        words |= {name: said[name] for name in record.remarks if name in said}
        return _told(record, words, row, said.get("recorded", {}))

    def identity(self, kind: str, row: Row, remarks: Remarks) -> dict[str, Any]:
        if kind == "builder":
            return {}
        id = row["pk"]
        key = self.keys.get(id) or self.name(kind, row, remarks)
        own = self.program.pk
        derived = program_id(key) if kind == "program" else record_id(own, kind, key)
        return {"key": key} if id == derived else {"key": key, "id": str(id)}

    def evidence(self) -> Iterator[dict[str, Any]]:
        """Return the trail but for what imports wrote: the file's lines, and those since then."""
        for row in _values(records.Evidence, self.trail):
            is_of_file = self.is_of_file(row)
            if row["entity_type"] != "builder":
                row["entity"] = self.keys[row["entity_id"]]
            elif is_of_file:
                row["entity"] = _BUILDERS[row["entity_id"]]
            else:
                continue
            if is_of_file and row["context"]["key"] not in self.taken:
                self.taken.add(row["context"]["key"])
                yield _line_of_file(row)
            else:
                yield _told(records.Evidence, {"id": str(row["pk"])}, row)

    def is_of_file(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a line of the trail was one of the program's file: its id is of its key."""
        context = row["context"]
        key = context.get("key") if isinstance(context, dict) else None
        return isinstance(key, str) and row["pk"] == record_id(self.program.pk, "evidence", key)


def _keys_of(remarks: Remarks) -> set[str]:
    return {kept.key for kept in remarks.values()}


_BUILDERS = {id: name for name, id in BUILDER_ENTITIES.items()}


def _recorded_key(program: Program) -> str:
    """Return the key under which the program was last imported, if it ever was."""
    return (
        Evidence.objects.of(program)
        .filter(action=IMPORTED, context__has_key="import", context__record__kind="program")
        .order_by("-sequence")
        .values_list("context__record__key", flat=True)
        .first()
    ) or ""


def _values(record: type[Remarked], rows: QuerySet[Any]) -> Iterator[Row]:
    """Return the rows' columns that the file has words for, and those that place them."""
    places = {"wave_id", "task_id", "entity_id"} & {f.attname for f in rows.model._meta.fields}
    columns = {name for name in record.stated if name != "entity"} | places
    return rows.values("pk", *sorted(columns)).iterator(BATCH)


def _told(
    record: type[Remarked],
    words: Mapping[str, Any],
    row: Mapping[str, Any],
    recorded: Mapping[str, Any] = {},
) -> dict[str, Any]:
    """Return `words` and the row's columns as a record that means exactly this row.

    `recorded` are words of its own that the file had for some columns, None for silence. They
    are kept for as long as the row still is what they were taken to mean.
    """
    standard = {word: record.told(name, row[name]) for name, word in record.stated.items()} | dict(
        words
    )
    if recorded:
        days = {word for name, word in record.stated.items() if isinstance(row[name], datetime)}
        said = _in_order(
            record,
            standard
            | {
                word: date.fromisoformat(own) if own and word in days else own
                for word, own in recorded.items()
            },
        )
        if not _objections(record, said, row):
            return said
    said = _in_order(record, standard)
    if objections := _objections(record, said, row):
        raise Unwritable(f"{record.kind} {row['pk']}: {'; '.join(objections)}")
    return said


def _line_of_file(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of the trail that came from a file, its remarks beside its context again."""
    context = dict(row["context"])
    own = {name: context.pop(name, None) for name in [*OWN_CONTEXT, *records.Evidence.remarks]}
    words = {name: own[name] for name in ["key", *records.Evidence.remarks]}
    recorded = {**(own["recorded"] or {})}
    if own["actor_recorded"] is False:
        recorded["actor"] = None
    return _told(records.Evidence, words | {"context": context}, row, recorded)


def _in_order(record: type[Remarked], words: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said, in the order in which a file says it."""
    fields = [name for name in record.model_fields if name not in Remarked.model_fields]
    order = [record.model_fields[name].alias or name for name in [*fields, *Remarked.model_fields]]
    return {word: words[word] for word in order if words.get(word) is not None}


def _objections(
    record: type[Remarked], words: Mapping[str, Any], row: Mapping[str, Any]
) -> list[str]:
    """Return why these words, read again, would not be this row."""
    try:
        again = record.model_validate(dict(words))
    except ValidationError as error:
        return [f"{found['loc']}: {found['msg']}" for found in error.errors()]
    objections: list[str] = []
    again.settle(lambda _, name, reason: objections.append(f"{name}: {reason}"))
    return objections or [
        name for name in record.stated if canonical(getattr(again, name)) != canonical(row[name])
    ]


_BREAKS = {"\r", "\x85", "\u2028", "\u2029"}


class _Dumper(yaml.CSafeDumper):
    """Writes what the reader allows: no aliases, times as times, long texts as blocks.

    And it writes event by event, so that what is told need not be there before its turn.
    """

    def write(self, document: Any) -> None:
        self.open()
        self.emit(yaml.DocumentStartEvent())
        self.value(document)
        self.emit(yaml.DocumentEndEvent())
        self.close()
        self.dispose()

    def value(self, value: Any) -> None:
        match value:
            case dict():
                self.emit(yaml.MappingStartEvent(None, None, True, flow_style=False))
                for each in chain.from_iterable(value.items()):
                    self.value(each)
                self.emit(yaml.MappingEndEvent())
            case list() | Iterator():
                self.emit(yaml.SequenceStartEvent(None, None, True, flow_style=False))
                for each in value:
                    self.value(each)
                self.emit(yaml.SequenceEndEvent())
            case _:
                node = self.represent_data(value)
                plain, quoted = (
                    node.tag == self.resolve(yaml.ScalarNode, node.value, implicit)
                    for implicit in ((True, False), (False, True))
                )
                self.emit(
                    yaml.ScalarEvent(None, node.tag, (plain, quoted), node.value, style=node.style)
                )

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _time(dumper: _Dumper, value: datetime) -> yaml.Node:
    text = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp", text)


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    # Written plainly, the breaks that only Unicode knows would be read as spaces.
    style = '"' if _BREAKS.intersection(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


_Dumper.add_representer(datetime, _time)
_Dumper.add_representer(str, _text)
