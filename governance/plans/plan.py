"""From a file to the rows that it stands for: read, checked, and not yet compared with anything."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import IO, Any
from uuid import UUID, uuid5

from pydantic import ValidationError

from builders.models import Builder as BuilderRow
from governance.plans import reading
from governance.plans.reading import PlanErrors, Problem
from governance.plans.records import (
    Blocker,
    Builder,
    Evidence,
    File,
    Heartbeat,
    Program,
    QARun,
    Record,
    Remarked,
    Task,
    Validation,
    Violation,
    Wave,
)
from programs.models import BuilderName

# In this order a plan is written: what is named comes before what names it.
KINDS: dict[str, type[Remarked]] = {
    kind.kind: kind
    for kind in (
        Program,
        Wave,
        Task,
        Builder,
        Validation,
        QARun,
        Violation,
        Heartbeat,
        Blocker,
        Evidence,
    )
}

BUILDER_ENTITIES = {name: BuilderRow(builder_id=name).entity_id for name in BuilderName.values}
OFFICE = UUID("5f0a8f1e-6a0e-5c55-9d5f-3d1c3b2a7e10")  # the namespace of all keys of programs


def program_id(key: str) -> UUID:
    """Return the id of the program that a file calls `key`."""
    return uuid5(OFFICE, f"program:{key}")


def record_id(program: UUID, kind: str, key: str) -> UUID:
    """Return the id of what a file calls `key`. Another program's file may use the same key."""
    return uuid5(program, f"{kind}:{key}")


@dataclass(slots=True)
class Row:
    """A record as a row of its table, and the entity of which its evidence speaks."""

    record: Remarked
    id: UUID | str
    values: dict[str, Any]
    subject: tuple[str, UUID]

    @property
    def kind(self) -> str:
        return self.record.kind

    @property
    def key(self) -> str:
        return getattr(self.record, "key", None) or str(self.id)


@dataclass(slots=True)
class Plan:
    """A checked plan file."""

    name: str
    program: Program
    id: UUID
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def refuse(self, problems: list[tuple[Remarked, str | None, str]]) -> None:
        """Raise what the file and the office together rule out."""
        if problems:
            raise PlanErrors(self.name, [_problem(*problem) for problem in problems])


def read(stream: IO[bytes], name: str) -> Plan:
    """Read and check a whole plan file, or raise `PlanErrors` with everything that is wrong."""
    document = reading.load(stream, name)
    try:
        file = File.model_validate(document)
    except ValidationError as error:
        raise PlanErrors(name, [_shape(document, found) for found in error.errors()]) from None
    problems = _settled(file) or _consistent(file)
    if problems:
        raise PlanErrors(name, problems)
    return _planned(file, name)


def _shape(document: Any, error: Any) -> Problem:
    """Say in our own words what is wrong with the shape of a document, and where."""
    path = error["loc"]
    line = reading.line_of(document, path)
    where = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    match error["type"]:
        case "extra_forbidden":
            return Problem(line, f"{where}: unknown key")
        case "missing":
            return Problem(line, f"{where}: is missing")
        case "value_error":
            reason = str(error["ctx"]["error"])
        case _:
            reason = error["msg"].removeprefix("Input ")
    return Problem(line, f"{where}: {reason}" if where else reason)


def _problem(record: Remarked, name: str | None, reason: str) -> Problem:
    if name is None:
        return Problem(
            record._read.line, f"{getattr(record, 'key', None) or record.kind}: {reason}"
        )
    word = type(record).model_fields[name].alias or name
    return Problem(record._read.lines.get(word, record._read.line), f"{word}: {reason}")


def _records(file: File) -> Iterator[Remarked]:
    yield file.program
    for wave in file.program.waves:
        yield wave
        for task in wave.tasks:
            yield task
            yield from task.history()
    yield from file.builders
    yield from file.blockers
    yield from file.evidence


def _settled(file: File) -> list[Problem]:
    problems: list[Problem] = []
    for record in _records(file):
        record.settle(lambda *complaint: problems.append(_problem(*complaint)))
    return problems


def _consistent(file: File) -> list[Problem]:
    """Return what is wrong between records: keys, references, order."""
    problems: list[Problem] = []

    def complain(record: Remarked, name: str | None, reason: str) -> None:
        problems.append(_problem(record, name, reason))

    keys: dict[str, Remarked] = {}
    ids: dict[tuple[str, UUID], Remarked] = {}
    for record in _records(file):
        key, id = getattr(record, "key", None), getattr(record, "id", None)
        if key is not None and (first := keys.setdefault(key, record)) is not record:
            name = "builder_id" if isinstance(record, Builder) else "key"
            complain(record, name, f"{key} stands twice, first in line {first._read.line}")
        if id is not None and (first := ids.setdefault((record.kind, id), record)) is not record:
            complain(record, "id", f"{id} stands twice, first in line {first._read.line}")

    waves = {wave.key: wave for wave in file.program.waves}
    numbers: dict[int, Wave] = {}
    for wave in waves.values():
        first = numbers.setdefault(wave.sequence_number, wave)
        if first is not wave:
            complain(wave, "sequence_number", f"{wave.sequence_number} is that of {first.key}")
        for dependency in wave.dependencies:
            if dependency not in waves:
                complain(wave, "dependencies", f"there is no wave {dependency}")
        if len(set(wave.dependencies)) < len(wave.dependencies):
            complain(wave, "dependencies", "name a wave twice")
    try:
        TopologicalSorter({wave.key: wave.dependencies for wave in waves.values()}).prepare()
    except CycleError as error:
        cycle = error.args[1]
        if cycle[0] in waves:
            complain(waves[cycle[0]], "dependencies", f"go in a circle: {' → '.join(cycle)}")

    entities = {(record.kind, key) for key, record in keys.items()}
    entities |= {("builder", name) for name in BUILDER_ENTITIES}
    open_blockers: dict[tuple[str, str, str], Blocker] = {}
    abouts: list[Blocker | Evidence] = [*file.blockers, *file.evidence]
    for about in abouts:
        named = (about.entity_type, about.entity)
        if named not in entities:
            complain(about, "entity", f"there is no {about.entity_type} {about.entity}")
        if isinstance(about, Blocker) and about.resolved_at is None:
            first_open = open_blockers.setdefault((*named, about.classification), about)
            if first_open is not about:
                complain(about, None, f"is open as {first_open.key} already")
    return problems


def _planned(file: File, name: str) -> Plan:
    program = file.program
    plan = Plan(name, program, program.id or program_id(program.key))
    entities: dict[tuple[str, str], UUID] = {
        ("builder", name): id for name, id in BUILDER_ENTITIES.items()
    }

    def add(record: Record | Evidence, subject: tuple[str, UUID] | None, **refers: Any) -> UUID:
        key = record.key
        if record is program:
            id = plan.id
        else:
            id = record.id or record_id(plan.id, record.kind, str(key))
        values = {column: getattr(record, column) for column in record.stated if column != "entity"}
        row = Row(record, id, values | refers, subject or (record.kind, id))
        plan.rows[record.kind].append(row)
        if subject is None:
            entities[record.kind, str(key)] = id
        return id

    add(program, None)
    for wave in program.waves:
        entities["wave", wave.key] = wave.id or record_id(plan.id, "wave", wave.key)
    for wave in program.waves:
        dependencies = [str(entities["wave", key]) for key in wave.dependencies]
        wave_id = add(wave, None, program_id=plan.id, dependencies=dependencies)
        for task in wave.tasks:
            task_id = add(task, None, wave_id=wave_id)
            for past in task.history():
                add(past, ("task", task_id), task_id=task_id)
    for builder in file.builders:
        told = {"backend_type": builder.backend_type, "provenance": builder.provenance}
        plan.rows["builder"].append(
            Row(
                builder,
                builder.builder_id,
                {column: value for column, value in told.items() if value},
                ("builder", entities["builder", builder.builder_id]),
            )
        )
    abouts: list[Blocker | Evidence] = [*file.blockers, *file.evidence]
    for about in abouts:
        entity = entities[about.entity_type, about.entity]
        add(about, (about.entity_type, entity), entity_id=entity)
    return plan
