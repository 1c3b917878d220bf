"""What a plan would change in the office as it is now. Reads only."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import batched
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction

from governance.models import Blocker, Evidence
from governance.plans.plan import KINDS, Plan, Row
from governance.plans.records import Remarked
from programs.models import Program, Task, Wave

IMPORTED = "imported"  # the action under which an import keeps what the file remarks on a record
OF_IMPORT = ("import", "user")  # what its context says of the import, and not of the record
BATCH = 5000
SHORT = 60
# What the office itself measures: a file's word counts when the row is made.
MEASURED = {"created_at", "updated_at", "worked_at", "occurrences"}
# The trail is not compared: it only grows. These may stand in the office and not in the file.
KEPT = ["wave", "task", "validation", "qa_run", "violation", "heartbeat", "blocker"]


@dataclass(slots=True)
class Change:
    row: Row
    columns: dict[str, tuple[Any, Any]]


@dataclass(slots=True)
class Remark:
    """What the file remarks on a record now, after what it remarked before."""

    row: Row
    id: UUID
    content: dict[str, Any]
    before: dict[str, Any] | None


@dataclass(slots=True)
class Difference:
    """Between a plan and the office. What the office has besides is told, and kept."""

    plan: Plan
    added: dict[str, list[Row]] = field(default_factory=dict)
    changed: dict[str, list[Change]] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    missing: dict[str, int] = field(default_factory=dict)
    unequal: list[Row] = field(default_factory=list)  # evidence that the office has otherwise

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.remarks)

    @property
    def digest(self) -> str:
        """Return what tells this difference from any other between this plan and an office."""
        added = [str(row.id) for rows in self.added.values() for row in rows]
        changed = [
            [str(change.row.id), change.columns]
            for changes in self.changed.values()
            for change in changes
        ]
        told = [added, changed, [str(remark.id) for remark in self.remarks]]
        return sha256(canonical(told).encode()).hexdigest()

    def lines(self, limit: int | None = 20) -> Iterator[str]:
        """Describe the difference, each block of more than `limit` lines by its number."""
        for kind, rows in self.added.items():
            yield from _block(limit, "+", kind, [f"+ {kind} {_named(row)}" for row in rows])
        for kind, changes in self.changed.items():
            yield from _block(limit, "~", kind, [_changed(change) for change in changes])
        new = {id(row) for rows in self.added.values() for row in rows}
        again = [remark for remark in self.remarks if remark.before and id(remark.row) not in new]
        yield from _block(limit, "~", "remark", [_remarked(remark) for remark in again])
        for kind, number in self.missing.items():
            yield f"= {number:,} {plural(kind, number)} of the office not in the file, kept"
        unequal = [f"= evidence {row.key} stays as it was recorded" for row in self.unequal]
        yield from _block(limit, "=", "evidence", unequal)


def plural(kind: str, number: int) -> str:
    noun = kind.replace("qa_run", "QA run")
    return noun if number == 1 or noun == "evidence" else f"{noun}s"


def _block(limit: int | None, sign: str, kind: str, lines: list[str]) -> list[str]:
    if limit is None or len(lines) <= limit:
        return lines
    return [f"{sign} {len(lines):,} {plural(kind, len(lines))}"]


def _named(row: Row) -> str:
    name = getattr(row.record, "name", None)
    return f"{row.key} {json.dumps(name, ensure_ascii=False)}" if name else row.key


def _changed(change: Change) -> str:
    row = change.row
    said = ", ".join(
        f"{row.record.stated.get(column, column)} {_short(old)} -> {_short(new)}"
        for column, (old, new) in change.columns.items()
    )
    return f"~ {row.kind} {row.key}: {said}"


def _remarked(remark: Remark) -> str:
    before = remark.before or {}
    names = (before.keys() | remark.content.keys()) - {"record"}
    said = ", ".join(
        f"{name} {_short(before.get(name))} -> {_short(remark.content.get(name))}"
        for name in sorted(names)
        if before.get(name) != remark.content.get(name)
    )
    return f"~ {remark.row.kind} {remark.row.key}: {said}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else canonical(value)
    text = " ".join(text.split()) or '""'
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: true is not 1 there, as it is to Python."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


@contextmanager
def looking() -> Iterator[None]:
    """Look at one moment of the office; the database sees to it that nothing is written."""
    moment = "" if connection.in_atomic_block else "ISOLATION LEVEL REPEATABLE READ, "
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION {moment}READ ONLY")
        yield


def difference(plan: Plan) -> Difference:
    """Compare a plan with the office, or raise `PlanErrors` where the two rule each other out."""
    found = Difference(plan)
    existing = {kind: _existing(kind, plan.rows[kind]) for kind in KINDS}
    _refuse_what_clashes(plan, existing)
    for kind in KINDS:
        rows, old = plan.rows[kind], existing[kind]
        if added := [row for row in rows if row.id not in old]:
            found.added[kind] = added
        changes = [
            Change(row, columns)
            for row in rows
            if row.id in old and (columns := _differing(row, old[row.id]))
        ]
        if kind == "evidence":
            found.unequal = [change.row for change in changes]
        elif changes:
            found.changed[kind] = changes
    found.remarks = list(_new_remarks(plan))
    found.missing = {
        kind: number
        for kind in KEPT
        if (number := in_office(kind, plan.id).count() - len(existing[kind])) > 0
    }
    return found


def _existing(kind: str, rows: list[Row]) -> dict[Any, dict[str, Any]]:
    """Return the columns of those rows that the office has, by their keys."""
    if not rows:
        return {}
    table = KINDS[kind].table
    columns = {column for row in rows for column in row.values}
    return {
        old["pk"]: old
        for ids in batched((row.id for row in rows), BATCH)
        for old in table._default_manager.filter(pk__in=ids).values("pk", *columns)
    }


def _differing(row: Row, old: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the columns that the file would change; what the office measures is not among them."""
    return {
        column: (old[column], new)
        for column, new in row.values.items()
        if column not in MEASURED and not _equal(old[column], new)
    }


def _equal(old: Any, new: Any) -> bool:
    if isinstance(new, dict | list):
        return canonical(old) == canonical(new)
    return old == new


def in_office(kind: str, program: UUID) -> Any:
    """Return what the office has of a kind within a program."""
    match kind:
        case "wave":
            return Wave.objects.filter(program=program)
        case "task":
            return Task.objects.filter(wave__program=program)
        case "blocker":
            return Blocker.objects.within(Program(pk=program))
    return KINDS[kind].table._default_manager.filter(task__wave__program=program)


def _refuse_what_clashes(plan: Plan, existing: dict[str, dict[Any, dict[str, Any]]]) -> None:
    clashes: list[tuple[Remarked, str | None, str]] = []
    name = plan.program.name
    if Program.objects.filter(name=name).exclude(pk=plan.id).exists():
        clashes.append((plan.program, "name", "another program of the office has this name"))

    waves = dict(in_office("wave", plan.id).values_list("pk", "sequence_number"))
    tasks = set(in_office("task", plan.id).values_list("pk", flat=True))
    planned = {kind: {row.id for row in plan.rows[kind]} for kind in KEPT}
    own: dict[str, set[Any]] = {
        "program_id": {plan.id},
        "wave_id": {*waves, *planned["wave"]},
        "task_id": tasks | planned["task"],
    }
    own["entity_id"] = own["program_id"] | own["wave_id"] | own["task_id"]
    for kind in KEPT:
        for row in plan.rows[kind]:
            old = existing[kind].get(row.id, {})
            parent = next((column for column in own if column in old), None)
            if parent and old[parent] not in own[parent]:
                clashes.append((row.record, None, "is the id of a row outside this program"))

    kept = {number for id, number in waves.items() if id not in planned["wave"]}
    for row in plan.rows["wave"]:
        if row.values["sequence_number"] in kept:
            clashes.append(
                (row.record, "sequence_number", "is that of a wave of the office not in the file")
            )

    open_now = {
        (entity, classification): id
        for entity, classification, id in Blocker.objects.open()
        .within(Program(pk=plan.id))
        .values_list("entity_id", "classification", "pk")
    }
    for row in plan.rows["blocker"]:
        other = open_now.get((row.values["entity_id"], row.values["classification"]))
        if row.values["resolved_at"] is None and other and other not in planned["blocker"]:
            clashes.append((row.record, None, "is open in the office already, as another blocker"))
    plan.refuse(clashes)


def _new_remarks(plan: Plan) -> Iterator[Remark]:
    rows = [row for kind, rows in plan.rows.items() if kind != "evidence" for row in rows]
    newest = newest_remarks(plan.program.key, {row.subject[1] for row in rows})
    for row in rows:
        about = {"kind": row.kind, "id": str(row.id), "key": row.key}
        content = {"record": about, **row.record.remarked()}
        last = newest.get((row.kind, str(row.id)))
        if last is None or canonical(last.content) != canonical(content):
            # A chain: what is said again after something else was said is news.
            id = uuid5(last.id if last else plan.id, canonical(content))
            yield Remark(row, id, content, last.content if last else None)


@dataclass(slots=True)
class Kept:
    """The newest remark on a record, and the place of its first, which is the file's order."""

    id: UUID
    content: dict[str, Any]
    place: int


def newest_remarks(program_key: str, entities: Iterable[UUID]) -> dict[tuple[str, str], Kept]:
    """Return what the imports of a program's file kept about its records, by kind and id."""
    newest: dict[tuple[str, str], Kept] = {}
    for ids in batched(entities, BATCH):
        rows = Evidence.objects.filter(
            action=IMPORTED,
            entity_type__in=Evidence.Entity.values,
            entity_id__in=ids,
            context__has_keys=["import", "record"],
        ).order_by("sequence")
        for id, context, sequence in rows.values_list("pk", "context", "sequence"):
            kind, key = context["record"]["kind"], context["record"]["id"]
            if kind == "builder" and context["import"]["program"] != program_key:
                continue  # a builder stands in the files of many programs
            content = {name: value for name, value in context.items() if name not in OF_IMPORT}
            before = newest.get((kind, key))
            newest[kind, key] = Kept(id, content, before.place if before else sequence)
    return newest
