"""Write a program as the plan file that would make it again."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from itertools import chain
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO, Any
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
    canonical,
    in_office,
    looking,
    newest_remarks,
)
from governance.plans.plan import BUILDER_ENTITIES, KINDS, program_id, record_id
from governance.plans.records import OWN_CONTEXT, Remarked
from programs.models import BuilderName, Program

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


type Rows = Mapping[str, list[dict[str, Any]]]


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


class _Exporter:
    def __init__(self, program: Program) -> None:
        self.program = program
        about = {program.pk, *in_office("wave", program.pk).values_list("pk", flat=True)}
        about |= set(in_office("task", program.pk).values_list("pk", flat=True))
        about |= set(BUILDER_ENTITIES.values())
        self.kept = newest_remarks(_recorded_key(program), about)
        self.recorded_keys = {kept.content["record"]["key"] for kept in self.kept.values()}
        of_builders = Q(entity_type="builder", context__has_key="key")
        trail = Evidence.objects.within(program) | Evidence.objects.filter(of_builders)
        self.trail = [
            row
            for row in _values(
                records.Evidence, trail.as_it_happened().order_by("timestamp", "sequence")
            )
            if row["entity_type"] != "builder" or self.is_of_file(row)
        ]
        self.recorded_keys |= {row["context"]["key"] for row in self.trail if self.is_of_file(row)}
        self.keys: dict[tuple[str, Any], str] = {}
        self.taken: set[str] = set(BuilderName.values)

    def document(self) -> dict[str, Any]:
        rows = {kind: self.rows(kind) for kind in ["wave", *WHEN]}
        program = _values(records.Program, Program.objects.filter(pk=self.program.pk))[0]
        self.name("program", program)
        for kind, found in rows.items():
            for row in found:
                self.name(kind, row)

        return {
            "format_version": records.FORMAT_VERSION,
            "program": self.told("program", program) | {"waves": self.waves(rows)},
            "builders": (self.told("builder", row) for row in self.builders(rows)),
            "blockers": self.blockers(rows),
            "evidence": self.evidence(),
        }

    def waves(self, rows: Rows) -> Iterator[dict[str, Any]]:
        tasks: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
        for row in rows["task"]:
            tasks[row["wave_id"]].append(row)
        history: dict[UUID, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for kind in HISTORY:
            for row in rows[kind]:
                history[row["task_id"]][kind].append(row)
        for row in rows["wave"]:
            row["dependencies"] = [self.keys["wave", UUID(id)] for id in row["dependencies"]]
            tasks_told = (self.task(task, history[task["pk"]]) for task in tasks[row["pk"]])
            yield self.told("wave", row) | {"tasks": tasks_told}

    def task(self, row: dict[str, Any], history: Rows) -> dict[str, Any]:
        past = {
            HISTORY[kind]: [self.told(kind, row) for row in rows] for kind, rows in history.items()
        }
        return self.told("task", row) | past

    def blockers(self, rows: Rows) -> Iterator[dict[str, Any]]:
        for row in rows["blocker"]:
            row["entity"] = self.keys[row["entity_type"], row["entity_id"]]
            yield self.told("blocker", row)

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return a kind's rows in the order of the file, and what came later in that of time."""
        found = _values(KINDS[kind], in_office(kind, self.program.pk))
        if kind == "wave":
            return sorted(found, key=itemgetter("sequence_number"))
        last = float("inf")

        def place(row: dict[str, Any]) -> tuple[Any, ...]:
            kept = self.kept.get((kind, str(row["pk"])))
            return kept.place if kept else last, row[WHEN[kind]], row["pk"]

        return sorted(found, key=place)

    def builders(self, rows: Rows) -> list[dict[str, Any]]:
        """Return the builders that the program has to do with."""
        concerned = {row["assigned_builder"] for row in rows["task"]}
        concerned |= {
            row["builder_id"] for kind in ("violation", "heartbeat") for row in rows[kind]
        }
        concerned |= {id for kind, id in self.kept if kind == "builder"}
        found = _values(records.Builder, Builder.objects.filter(pk__in=concerned - {None}))
        return sorted(found, key=lambda row: self.place_of_builder(row["pk"]))

    def place_of_builder(self, name: str) -> tuple[float, str]:
        kept = self.kept.get(("builder", name))
        return (kept.place if kept else float("inf")), name

    def name(self, kind: str, row: Mapping[str, Any]) -> None:
        """Find the row's key: the one of its file, or else one made of its name."""
        id, kept = row["pk"], self.kept.get((kind, str(row["pk"])))
        noun = kind.replace("_", "-")
        title = slugify(row["name"])[:48].strip("-") if "name" in row else id.hex[:8]
        made = [f"{noun}-{title or id.hex[:8]}", f"{noun}-{title}-{id.hex[:8]}", f"{noun}-{id.hex}"]
        keys = [key for key in made if key not in self.recorded_keys]
        if kept:
            keys.insert(0, kept.content["record"]["key"])
        key = next(key for key in keys if key not in self.taken)
        self.taken.add(key)
        self.keys[kind, id] = key

    def told(self, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row in the words of its file, as far as they still mean the row."""
        record = KINDS[kind]
        kept = self.kept.get((kind, str(row["pk"])))
        remarks = kept.content if kept else {}
        words = self.identity(kind, row["pk"])
        words |= {name: remarks[name] for name in record.remarks if name in remarks}
        return _told(record, words, row, remarks.get("recorded", {}))

    def identity(self, kind: str, id: Any) -> dict[str, Any]:
        if kind == "builder":
            return {}
        key = self.keys[kind, id]
        own = self.program.pk
        derived = program_id(key) if kind == "program" else record_id(own, kind, key)
        return {"key": key} if id == derived else {"key": key, "id": str(id)}

    def evidence(self) -> Iterator[dict[str, Any]]:
        """Return the trail but for what imports wrote: the file's lines, and those since then."""
        for row in self.trail:
            if row["entity_type"] == "builder":
                row["entity"] = _BUILDERS[row["entity_id"]]
            else:
                row["entity"] = self.keys[row["entity_type"], row["entity_id"]]
            if self.is_of_file(row) and row["context"]["key"] not in self.taken:
                self.taken.add(row["context"]["key"])
                yield _line_of_file(row)
            else:
                yield _told(records.Evidence, {"id": str(row["pk"])}, row)

    def is_of_file(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a line of the trail was one of the program's file: its id is of its key."""
        context = row["context"]
        key = context.get("key") if isinstance(context, dict) else None
        return isinstance(key, str) and row["pk"] == record_id(self.program.pk, "evidence", key)


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


def _values(record: type[Remarked], rows: QuerySet[Any]) -> list[dict[str, Any]]:
    """Return the rows' columns that the file has words for, and those that place them."""
    places = {"wave_id", "task_id", "entity_id"} & {f.attname for f in rows.model._meta.fields}
    columns = {name for name in record.stated if name != "entity"} | places
    return list(rows.values("pk", *sorted(columns)))


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
