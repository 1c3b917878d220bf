"""From a file to the rows that it stands for: read, checked, and not yet compared with anything."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import IO, Any
from uuid import UUID, uuid5

from pydantic import ValidationError

from builders.models import Builder as BuilderRow
from governance.plans import reading
from governance.plans.reading import MAX_PROBLEMS, Part, PlanErrors, Problem
from governance.plans.records import (
    Blocker,
    Builder,
    Evidence,
    File,
    Heartbeat,
    Program,
    QARun,
    Remarked,
    Task,
    Validation,
    Violation,
    Wave,
)
from governance.plans.spool import Content, Entry, Spool
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
class Remark:
    """What the file remarks on a record now, after what it remarked before."""

    id: UUID
    content: dict[str, Any]
    before: dict[str, Any] | None


@dataclass(slots=True)
class Row:
    """A record as a row of its table, and the entity of which its evidence speaks."""

    position: int
    kind: str
    id: UUID | str
    key: str
    values: dict[str, Any]
    subject: tuple[str, UUID]
    remarks: dict[str, Any]
    line: int
    lines: dict[str, int]
    # What was found when the plan was compared with the office:
    added: bool
    change: dict[str, tuple[Any, Any]] | None
    remark: Remark | None


class Plan:
    """A checked plan file. Of its rows no more than a batch is in memory at a time."""

    program: Program
    id: UUID

    def __init__(self, name: str) -> None:
        self.name = name
        self.spool = Spool()

    def count(self, kind: str) -> int:
        return self.spool.count(kind)

    def rows(self, kind: str, only: str = "true") -> Iterator[Row]:
        """Walk the rows of a kind in the order of the file."""
        return map(self._row, self.spool.entries(kind, only))

    def _row(self, entry: Entry) -> Row:
        values, remarks, lines = entry.content
        id: UUID | str = entry.id if entry.kind == "builder" else UUID(entry.id)
        subject: tuple[str, Any] = entry.kind, id
        match entry.kind:
            case "wave":
                keys = values["dependencies"]
                values["dependencies"] = [self.spool.id_of("wave", key) for key in keys]
                values["program_id"] = self.id
            case "task":
                values["wave_id"] = UUID(entry.parent)
            case "validation" | "qa_run" | "violation" | "heartbeat":
                values["task_id"] = UUID(entry.parent)
                subject = "task", values["task_id"]
            case "builder":
                subject = "builder", BUILDER_ENTITIES[entry.id]
            case "blocker" | "evidence":
                if entry.entity_type == "builder":
                    values["entity_id"] = BUILDER_ENTITIES[str(entry.entity)]
                else:
                    values["entity_id"] = UUID(entry.entity_id)
                subject = str(entry.entity_type), values["entity_id"]
        return Row(
            entry.position,
            entry.kind,
            id,
            entry.key or entry.id,
            values,
            subject,
            remarks,
            entry.line,
            lines,
            entry.added,
            entry.change,
            entry.remark,
        )


class Problems(list[Problem]):
    """What is wrong with a file. Where that is very much, nothing more is looked for."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def add(self, problem: Problem) -> None:
        self.append(problem)
        if len(self) >= MAX_PROBLEMS:
            self.refuse()

    def about(self, entry: Entry | Row, name: str | None, reason: str) -> None:
        lines = entry.content.lines if isinstance(entry, Entry) else entry.lines
        self.add(_problem(KINDS[entry.kind], entry.key, entry.line, lines, name, reason))

    def refuse(self) -> None:
        """Raise them, if there are any."""
        if self:
            raise PlanErrors(self.name, self)


def read(stream: IO[bytes], name: str) -> Plan:
    """Check a whole plan file, or raise `PlanErrors` with everything that is wrong."""
    plan = Plan(name)
    shape, sense = Problems(name), Problems(name)

    def take(part: Part) -> None:
        try:
            record = part.place.shape.model_validate(part.value)
        except ValidationError as error:
            found = error.errors()
            if part.place.shape is File and not found[0]["loc"]:
                shape.clear()  # this is another kind of file
            for each in found:
                shape.add(_shape(part, each))
            return
        if isinstance(record, Remarked):
            _settle(record, part, sense)
            if not shape and not sense:
                _keep(plan, record, part)

    reading.load(stream, name, File, take)
    shape.refuse()
    sense.refuse()
    plan.id = plan.program.id or program_id(plan.program.key)
    plan.spool.identify(str(plan.id), lambda kind, key: str(record_id(plan.id, kind, key)))
    _check_together(plan)
    return plan


def _shape(part: Part, error: Any) -> Problem:
    """Say in our own words what is wrong with the shape of a record, and where."""
    path = error["loc"]
    line = reading.line_of(part.value, path) or part.line
    words = [part.place.word, *path]
    where = next((str(step) for step in reversed(words) if isinstance(step, str)), "")
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


def _problem(
    record: type[Remarked],
    key: str | None,
    line: int,
    lines: Mapping[str, int],
    name: str | None,
    reason: str,
) -> Problem:
    if name is None:
        return Problem(line, f"{key or record.kind}: {reason}")
    word = record.model_fields[name].alias or name
    return Problem(lines.get(word, line), f"{word}: {reason}")


def _settle(record: Remarked, part: Part, problems: Problems) -> None:
    def complain(record: Remarked, name: str | None, reason: str) -> None:
        key = getattr(record, "key", None)
        lines = part.value.lines
        problems.add(_problem(type(record), key, part.line, lines, name, reason))

    record.settle(complain)


def _keep(plan: Plan, record: Remarked, part: Part) -> None:
    if isinstance(record, Program):
        plan.program = record
    values = {column: getattr(record, column) for column in record.stated if column != "entity"}
    if isinstance(record, Builder):
        del values["builder_id"]
        values = {column: value for column, value in values.items() if value}
    open_as = None
    if isinstance(record, Blocker) and record.resolved_at is None:
        open_as = record.classification
    given = getattr(record, "id", None)
    plan.spool.add(
        Content(values, record.remarked(), part.value.lines),
        position=part.position,
        parent=part.place.parent,
        kind=record.kind,
        key=getattr(record, "key", None),
        given=given and str(given),
        entity_type=getattr(record, "entity_type", None),
        entity=getattr(record, "entity", None),
        open_as=open_as,
        progress=record.progress_percentage if isinstance(record, Task) else None,
        line=part.line,
    )


def _check_together(plan: Plan) -> None:
    """Refuse what is wrong between records: keys, references, order."""
    problems = Problems(plan.name)
    for again, first in plan.spool.repeated("key"):
        name = "builder_id" if again.kind == "builder" else "key"
        problems.about(again, name, f"{again.key} stands twice, first in line {first.line}")
    for again, first in plan.spool.repeated("kind", "given"):
        problems.about(again, "id", f"{again.id} stands twice, first in line {first.line}")
    for again, first in plan.spool.repeated("entity_type", "entity", "open_as"):
        problems.about(again, None, f"is open as {first.key} already")
    for kind in ("blocker", "evidence"):
        for about in plan.spool.entries(kind, "about.id IS NULL"):
            if about.entity_type != "builder" or about.entity not in BUILDER_ENTITIES:
                reason = f"there is no {about.entity_type} {about.entity}"
                problems.about(about, "entity", reason)
    _check_waves(plan, problems)
    problems.refuse()


def _check_waves(plan: Plan, problems: Problems) -> None:
    waves = {str(wave.key): wave for wave in plan.spool.entries("wave")}
    needs = {key: wave.content.values["dependencies"] for key, wave in waves.items()}
    numbers: dict[int, str] = {}
    for key, wave in waves.items():
        number = wave.content.values["sequence_number"]
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
            problems.about(waves[cycle[0]], "dependencies", f"go in a circle: {circle}")
