"""From a file to staged rows: read and checked, and not yet compared with the office."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import batched
from typing import IO, Any, NamedTuple, Self
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models.fields.json import KT
from pydantic import ValidationError

from builders.models import Builder as BuilderRow
from foreman_office.plan_files import reading, staging
from foreman_office.plan_files.reading import MAX_PROBLEMS, FileProblem, PlanErrors, RecordRead
from foreman_office.plan_files.record_base import MEASURED, RecordWithRemarks
from foreman_office.plan_files.records import (
    BlockerRecord,
    BuilderRecord,
    EvidenceRecord,
    File,
    ProgramRecord,
    TaskRecord,
    WaveRecord,
)
from foreman_office.plan_files.staging import NewRecord, RecordIdentity
from foreman_office.plan_files.task_records import (
    HeartbeatRecord,
    QARunRecord,
    ValidationRecord,
    ViolationRecord,
)
from programs.models import BuilderName, StagedImport, StagedRecord

# In this order a plan is written: what is named comes before what names it.
KINDS: dict[str, type[RecordWithRemarks]] = {
    kind.kind: kind
    for kind in (
        ProgramRecord,
        WaveRecord,
        TaskRecord,
        BuilderRecord,
        ValidationRecord,
        QARunRecord,
        ViolationRecord,
        HeartbeatRecord,
        BlockerRecord,
        EvidenceRecord,
    )
}

# What a nested record has of its task, where the file leaves it out.
OF_THE_TASK = {"validation": "architecture_reference", "qa_run": "qa_suite_location"}

# The column that names what a record stands in, or is about.
AROUND = {
    "wave": "program_id",
    "task": "wave_id",
    **dict.fromkeys(["validation", "qa_run", "violation", "heartbeat"], "task_id"),
    **dict.fromkeys(["blocker", "evidence"], "entity_id"),
}
# Of these a file may leave fields out; what it leaves out is not changed on a row that exists. Of
# the other kinds what is left out follows from the rest.
PLANNED = {"program", "wave", "task", "builder"}

BUILDER_ENTITIES = {name: BuilderRow(builder_id=name).entity_id for name in BuilderName.values}
OFFICE = UUID("5f0a8f1e-6a0e-5c55-9d5f-3d1c3b2a7e10")  # the namespace of all keys of programs


def program_id(key: str) -> UUID:
    """Return the id of the program that a file calls `key`."""
    return uuid5(OFFICE, f"program:{key}")


def record_id(program: UUID, kind: str, key: str) -> UUID:
    """Return the id of what a file calls `key`. Another program's file may use the same key."""
    return uuid5(program, f"{kind}:{key}")


class CheckedPlan:
    """A checked plan file, staged. Of its rows no more than a batch is in memory at a time.

    As a context manager it deletes the staged rows at the end.
    """

    def __init__(self, staged: StagedImport) -> None:
        self.staged = staged
        self.name = staged.name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.give_up()

    def give_up(self) -> None:
        """Delete the staged records of the file."""
        self.staged.delete()

    @cached_property
    def program(self) -> StagedRecord:
        return staging.staged_records(self.staged).get(kind="program")

    @property
    def id(self) -> UUID:
        id = self.program.record_id
        assert id is not None  # noqa: S101  every record has one once it was read
        return id

    def count(self, kind: str) -> int:
        return self.counts[kind].rows if kind in self.counts else 0

    @cached_property
    def counts(self) -> dict[str, staging.RecordCounts]:
        return staging.counts_by_kind(self.staged)

    def rows(self, kind: str, **only: Any) -> Iterator[StagedRecord]:
        """Yield the rows of a kind in the order of the file."""
        return staging.walk(staging.staged_records(self.staged).filter(kind=kind, **only))


class Problems(list[FileProblem]):
    """The errors of a file. Beyond a number of them no more are collected."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def add(self, problem: FileProblem) -> None:
        self.append(problem)
        if len(self) >= MAX_PROBLEMS:
            self.refuse()

    def about(self, row: StagedRecord, name: str | None, reason: str) -> None:
        self.add(_problem(KINDS[row.kind], row.name, row.line, row.lines, name, reason))

    def refuse(self) -> None:
        """Raise the errors, if there are any."""
        if self:
            raise PlanErrors(self.name, self)


def read_plan(stream: IO[bytes], name: str, *, by: Any = None) -> CheckedPlan:
    """Return a plan file, checked and staged for a person (none for a command).

    Raises `PlanErrors` with every error.
    """
    shape, sense = Problems(name), Problems(name)
    with transaction.atomic():
        staging.allow_time()
        plan = CheckedPlan(staging.stage(name, by))
        with staging.filling(plan.staged) as keep:

            def take(part: RecordRead) -> None:
                try:
                    record = part.place.shape.model_validate(part.value)
                except ValidationError as error:
                    found = error.errors()
                    if part.place.shape is File and not found[0]["loc"]:
                        shape.clear()  # this is another kind of file
                    for each in found:
                        shape.add(_shape_problem(part, each))
                    return
                if isinstance(record, RecordWithRemarks):
                    _apply_defaults(record, part, sense)
                    if not shape and not sense:
                        keep(_staged(record, part))

            reading.load(stream, name, File, take)
            shape.refuse()
            sense.refuse()
        _identify(plan)
        _check_together(plan)
    return plan


def staged_plan(import_id: UUID, person: Any) -> CheckedPlan | None:
    """Return the plan that a person has staged, unless it was discarded since."""
    staged = StagedImport.objects.filter(pk=import_id, person=person).first()
    return staged and CheckedPlan(staged)


def _shape_problem(part: RecordRead, error: Any) -> FileProblem:
    """Return in the office's words what is wrong with the shape of a record, and where."""
    path = error["loc"]
    line = reading.line_of(part.value, path) or part.line
    words = [part.place.word, *path]
    where = next((str(step) for step in reversed(words) if isinstance(step, str)), "")
    match error["type"]:
        case "extra_forbidden":
            return FileProblem(line, f"{where}: unknown key")
        case "missing":
            return FileProblem(line, f"{where}: is missing")
        case "value_error":
            reason = str(error["ctx"]["error"])
        case _:
            reason = error["msg"].removeprefix("Input ")
    return FileProblem(line, f"{where}: {reason}" if where else reason)


def _problem(
    record: type[RecordWithRemarks],
    key: str | None,
    line: int,
    lines: Mapping[str, int],
    name: str | None,
    reason: str,
) -> FileProblem:
    if name is None:
        return FileProblem(line, f"{key or record.kind}: {reason}")
    word = record.model_fields[name].alias or name
    return FileProblem(lines.get(word, line), f"{word}: {reason}")


def _apply_defaults(record: RecordWithRemarks, part: RecordRead, problems: Problems) -> None:
    def report_error(record: RecordWithRemarks, name: str | None, reason: str) -> None:
        key = getattr(record, "key", None)
        lines = part.value.lines
        problems.add(_problem(type(record), key, part.line, lines, name, reason))

    record.apply_defaults(report_error)


def _staged(record: RecordWithRemarks, part: RecordRead) -> NewRecord:
    values = {column: getattr(record, column) for column in record.stated if column != "entity"}
    if isinstance(record, BuilderRecord):
        del values["builder_id"]
        values = {column: value for column, value in values.items() if value}
    lines = part.value.lines
    comparable = [column for column in values if column not in MEASURED]
    if record.kind in PLANNED:
        comparable = [column for column in comparable if record.stated[column] in lines]
    comparable += [AROUND[record.kind]] if record.kind in AROUND else []
    return NewRecord(
        position=part.position,
        parent=part.place.parent,
        kind=record.kind,
        key=getattr(record, "key", None),
        given=getattr(record, "id", None),
        entity=getattr(record, "entity", None),
        values=values,
        comparable=comparable,
        remarks=record.written_remarks(),
        line=part.line,
        lines=lines,
    )


class Unidentified(NamedTuple):
    """What the id of a record follows from."""

    position: int
    kind: str
    key: str | None
    given: UUID | None
    entity: str | None
    entity_type: str | None
    architecture_reference: str | None
    qa_suite_location: str | None


def _identify(plan: CheckedPlan) -> None:
    """Set each record's id, and what it has of the records around it.

    Nested records come after the record that contains them; a task is needed only until the next
    one.
    """
    first = plan.program
    program = first.given or program_id(str(first.key))
    wave = task = None
    of_task: Any = None
    rows = staging.staged_records(plan.staged).values_list(
        *("position", "kind", "key", "given", "entity"),
        *(KT(f"values__{column}") for column in ("entity_type", *OF_THE_TASK.values())),
    )
    for batch in batched(map(Unidentified._make, staging.walk(rows)), staging.BATCH):
        identities = []
        for row in batch:
            id = row.given or (row.key and record_id(program, row.kind, row.key)) or None
            more: dict[str, Any] = {}
            subject: tuple[str, UUID | None] = row.kind, id
            recorded = None
            match row.kind:
                case "program":
                    id, subject = program, ("program", program)
                case "wave":
                    wave, more = id, {AROUND[row.kind]: program}
                case "task":
                    task, more, of_task = id, {AROUND[row.kind]: wave}, row
                case "validation" | "qa_run" | "violation" | "heartbeat":
                    subject, more = ("task", task), {AROUND[row.kind]: task}
                    column = OF_THE_TASK.get(row.kind)
                    if column and getattr(row, column) is None:
                        more[column] = getattr(of_task, column)
                        recorded = {column: None} if more[column] else None
                case "builder":
                    id, subject = None, ("builder", BUILDER_ENTITIES[str(row.key)])
                case "blocker" | "evidence":
                    subject = str(row.entity_type), None
                    if subject[0] == "builder" and row.entity in BUILDER_ENTITIES:
                        subject = "builder", BUILDER_ENTITIES[row.entity]
                        more = {AROUND[row.kind]: subject[1]}
            identities.append(RecordIdentity(row.position, id, *subject, more, recorded))
        staging.identify(plan.staged, identities)
    staging.find_subjects(plan.staged)
    first.record_id = program  # `plan.program` was read before it had one


def _check_together(plan: CheckedPlan) -> None:
    """Report errors between records: keys, references, order."""
    problems = Problems(plan.name)
    rows = staging.staged_records(plan.staged)
    keyed, given = rows.exclude(key=None), rows.exclude(given=None)
    still_open = rows.filter(kind="blocker", values__resolved_at=None)
    for again, first in staging.repeated(keyed, "key", most=MAX_PROBLEMS):
        name = "builder_id" if again.kind == "builder" else "key"
        problems.about(again, name, f"{again.key} is a duplicate, first in line {first.line}")
    for again, first in staging.repeated(given, "kind", "given", most=MAX_PROBLEMS):
        problems.about(again, "id", f"{again.given} is a duplicate, first in line {first.line}")
    same = ["subject_type", "entity", "values__classification"]
    for again, first in staging.repeated(still_open, *same, most=MAX_PROBLEMS):
        problems.about(again, None, f"is open as {first.name} already")
    for about in staging.walk(rows.filter(kind__in=["blocker", "evidence"], subject_id=None)):
        problems.about(about, "entity", f"there is no {about.subject_type} {about.entity}")
    _link_waves(plan, problems)
    problems.refuse()


def _link_waves(plan: CheckedPlan, problems: Problems) -> None:
    """Resolve the names of the waves that waves depend on; report a missing one or a circle."""
    waves = {str(wave.key): wave for wave in plan.rows("wave")}
    needs = {key: wave.values["dependencies"] for key, wave in waves.items()}
    numbers: dict[int, str] = {}
    for key, wave in waves.items():
        number = wave.values["sequence_number"]
        if (first := numbers.setdefault(number, key)) != key:
            problems.about(wave, "sequence_number", f"{number} is that of {first}")
        for other in needs[key]:
            if other not in waves:
                problems.about(wave, "dependencies", f"there is no wave {other}")
        if len(set(needs[key])) < len(needs[key]):
            problems.about(wave, "dependencies", "name a wave twice")
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        cycle = error.args[1]
        if cycle[0] in waves:
            circle = " → ".join(cycle)
            problems.about(waves[cycle[0]], "dependencies", f"have a cycle: {circle}")
    if not problems:
        staging.add_values(
            plan.staged,
            {
                wave.position: {"dependencies": [waves[key].record_id for key in needs[name]]}
                for name, wave in waves.items()
                if needs[name]
            },
        )
