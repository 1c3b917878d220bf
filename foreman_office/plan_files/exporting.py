"""Export a program as a plan file that would recreate it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from itertools import batched, chain, islice
from math import inf
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.text import slugify

from builders.models import Builder
from foreman_office.plan_files import records
from foreman_office.plan_files.difference import (
    IMPORTED,
    KeptRemark,
    in_office,
    newest_remarks,
)
from foreman_office.plan_files.exported_records import (
    BATCH,
    OfficeRow,
    evidence_of_file,
    leave_out_what_follows,
    record_of_row,
    values_of_rows,
)
from foreman_office.plan_files.plan import (
    BUILDER_ENTITIES,
    KINDS,
    program_id,
    record_id,
)
from foreman_office.plan_files.yaml_writer import PlanDumper
from governance.models import Evidence
from kit.core.snapshot import snapshot
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
    "qa_run": "arrived_at",
    "violation": "detected_at",
    "heartbeat": "timestamp",
    "blocker": "detected_at",
}


LAST = inf  # the place of what the file did not have


type Remarks = Mapping[tuple[str, str], KeptRemark]


def export(program: Program) -> IO[bytes]:
    """Return the program with its history as a temporary plan file, deleted when it is closed."""
    with ExitStack() as stack:
        file = stack.enter_context(TemporaryFile())
        file.write(HEADER.encode())
        with snapshot():
            PlanDumper(file, encoding="utf-8", allow_unicode=True, width=100).write(
                _Exporter(program).document()
            )
        file.seek(0)
        stack.pop_all()
    return file


class _TaskPlace(NamedTuple):
    """The position of a task in the file, and its key."""

    place: float
    created_at: datetime
    id: UUID
    wave: UUID
    name: str
    key: str | None


class _Exporter:
    """Writes a program record by record: few of its tasks and evidence are in memory at a time.

    Only the references to tasks and the used keys stay in memory.
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
        with_keys = self.trail.filter(context__has_key="key")
        for row in with_keys.values("pk", "context").iterator(BATCH):
            if self.is_of_file(row):
                self.recorded_keys.add(row["context"]["key"])
        self.keys: dict[UUID, str] = {}
        self.taken: set[str] = set(BuilderName.values)

    def remarks(self, entities: Iterable[UUID]) -> Remarks:
        return newest_remarks(self.recorded_key, entities)

    def document(self) -> dict[str, Any]:
        (program,) = values_of_rows(
            records.ProgramRecord, Program.objects.filter(pk=self.program.pk)
        )
        found = values_of_rows(records.WaveRecord, in_office("wave", self.program.pk))
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
            "program": self.record("program", program, self.kept)
            | {"waves": self.waves(waves, tasks)},
            "builders": (self.record("builder", row, self.kept) for row in self.builders()),
            "blockers": self.blockers(),
            "evidence": self.evidence(),
        }

    def places(self) -> list[_TaskPlace]:
        """Return the tasks in the order of the file, later ones in the order of time.

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
        self, rows: Iterable[OfficeRow], tasks: Mapping[UUID, list[UUID]]
    ) -> Iterator[dict[str, Any]]:
        all_tasks = self.tasks(chain.from_iterable(tasks[row["pk"]] for row in rows))
        for row in rows:
            row["dependencies"] = [self.keys[UUID(id)] for id in row["dependencies"]]
            within = (task for task in islice(all_tasks, len(tasks[row["pk"]])))
            yield self.record("wave", row, self.kept) | {"tasks": within}

    def tasks(self, ids: Iterable[UUID]) -> Iterator[dict[str, Any]]:
        """Yield tasks with their history, in batches."""
        for batch in batched(ids, BATCH):
            kept = self.remarks(batch)
            found = values_of_rows(records.TaskRecord, Task.objects.filter(pk__in=batch))
            rows = {row["pk"]: row for row in found}
            history: dict[UUID, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
            for kind, word in HISTORY.items():
                past = KINDS[kind].table._default_manager.filter(task__in=batch)
                for row in self.in_order(kind, past, kept):
                    leave_out_what_follows(kind, row, rows[row["task_id"]])
                    history[row["task_id"]][word].append(self.record(kind, row, kept))
            for id in batch:
                yield self.record("task", rows[id], kept) | history[id]

    def blockers(self) -> Iterator[dict[str, Any]]:
        blockers = in_office("blocker", self.program.pk)
        kept = self.remarks(set(blockers.values_list("entity_id", flat=True)))
        for row in self.in_order("blocker", blockers, kept):
            row["entity"] = self.keys[row["entity_id"]]
            yield self.record("blocker", row, kept)

    def in_order(self, kind: str, rows: QuerySet[Any], remarks: Remarks) -> list[OfficeRow]:
        """Return rows in the order of the file, later ones in the order of time."""

        def place(row: OfficeRow) -> tuple[Any, ...]:
            kept = remarks.get((kind, str(row["pk"])))
            numbered = row.get("recorded", 0)
            return kept.place if kept else LAST, row[WHEN[kind]], numbered, row["pk"]

        return sorted(values_of_rows(KINDS[kind], rows), key=place)

    def builders(self) -> list[OfficeRow]:
        """Return the builders that the program refers to."""
        concerned = {id for kind, id in self.kept if kind == "builder"}
        for kind, column in (
            ("task", "assigned_builder"),
            ("task", "planned_builder"),
            ("violation", "builder"),
            ("heartbeat", "builder"),
        ):
            rows = in_office(kind, self.program.pk).order_by()
            concerned |= {*rows.values_list(column, flat=True).distinct()}
        found = values_of_rows(
            records.BuilderRecord, Builder.objects.filter(pk__in=concerned - {None})
        )
        return sorted(found, key=lambda row: self.place_of_builder(row["pk"]))

    def place_of_builder(self, name: str) -> tuple[float, str]:
        kept = self.kept.get(("builder", name))
        return (kept.place if kept else LAST), name

    def name(self, kind: str, row: OfficeRow, remarks: Remarks) -> str:
        """Return the row's key: the one of its file, or else one made of its name."""
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

    def record(self, kind: str, row: OfficeRow, remarks: Remarks) -> dict[str, Any]:
        """Return a row in the words of its file, as far as they still mean the row."""
        record = KINDS[kind]
        kept = remarks.get((kind, str(row["pk"])))
        remarked = kept.content if kept else {}
        words = self.identity(kind, row, remarks)
        words |= {name: remarked[name] for name in record.unstored if name in remarked}
        return record_of_row(record, words, row, remarked.get("recorded", {}))

    def identity(self, kind: str, row: OfficeRow, remarks: Remarks) -> dict[str, Any]:
        if kind == "builder":
            return {}
        id = row["pk"]
        key = self.keys.get(id) or self.name(kind, row, remarks)
        own = self.program.pk
        derived = program_id(key) if kind == "program" else record_id(own, kind, key)
        return {"key": key} if id == derived else {"key": key, "id": str(id)}

    def evidence(self) -> Iterator[dict[str, Any]]:
        """Return the trail but for what imports wrote: the file's lines, and those since then."""
        for row in values_of_rows(records.EvidenceRecord, self.trail):
            is_of_file = self.is_of_file(row)
            if row["entity_type"] != "builder":
                row["entity"] = self.keys[row["entity_id"]]
            elif is_of_file:
                row["entity"] = _BUILDERS[row["entity_id"]]
            else:
                continue
            if is_of_file and row["context"]["key"] not in self.taken:
                self.taken.add(row["context"]["key"])
                yield evidence_of_file(row)
            else:
                yield record_of_row(records.EvidenceRecord, {"id": str(row["pk"])}, row)

    def is_of_file(self, row: Mapping[str, Any]) -> bool:
        """Return whether a line of the trail was in the program's file: its id is of its key."""
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
