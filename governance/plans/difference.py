"""What a plan would change in the office as it is now. Reads only."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import batched
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from governance.models import Blocker, Evidence
from governance.plans import spool
from governance.plans.plan import KINDS, Plan, Problems, Remark, Row
from programs.models import Program, Task, Wave

IMPORTED = "imported"  # the action under which an import keeps what the file remarks on a record
OF_IMPORT = ("import", "user")  # what its context says of the import, and not of the record
SHORT = 60
# What the office itself measures: a file's word counts when the row is made.
MEASURED = {"created_at", "updated_at", "worked_at", "occurrences"}
# The trail is not compared: it only grows. These may stand in the office and not in the file.
KEPT = ["wave", "task", "validation", "qa_run", "violation", "heartbeat", "blocker"]


@dataclass(slots=True)
class Difference:
    """Between a plan and the office. What the office has besides is told, and kept.

    Here are the numbers; the rows themselves are the plan's, which knows what was found of each.
    """

    plan: Plan
    added: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    unequal: int = 0  # evidence that the office has otherwise
    remarks: int = 0
    remarked_again: int = 0
    missing: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.remarks)

    def rows_added(self, kind: str) -> Iterator[Row]:
        return self.plan.rows(kind, "record.added IS NOT NULL")

    def rows_changed(self, kind: str) -> Iterator[Row]:
        return self.plan.rows(kind, "record.change IS NOT NULL")

    def rows_remarked(self) -> Iterator[Row]:
        for kind in KINDS:
            yield from self.plan.rows(kind, "record.remark IS NOT NULL")

    @property
    def digest(self) -> str:
        """Return what tells this difference from any other between this plan and an office."""
        told = sha256()
        for kind in KINDS:
            for row in self.plan.rows(kind):
                remark = row.remark and str(row.remark.id)
                told.update(canonical([str(row.id), row.added, row.change, remark]).encode())
        return told.hexdigest()

    def lines(self, limit: int | None = 20) -> Iterator[str]:
        """Describe the difference, each block of more than `limit` lines by its number."""
        for kind, number in self.added.items():
            lines = (f"+ {kind} {_named(row)}" for row in self.rows_added(kind))
            yield from _block(limit, "+", kind, number, lines)
        for kind, number in self.changed.items():
            yield from _block(limit, "~", kind, number, map(_changed, self.rows_changed(kind)))
        again = (row for row in self.rows_remarked() if _remarked_again(row))
        yield from _block(limit, "~", "remark", self.remarked_again, map(_remarked, again))
        for kind, number in self.missing.items():
            yield f"= {number:,} {plural(kind, number)} of the office not in the file, kept"
        unequal = self.rows_changed("evidence")
        lines = (f"= evidence {row.key} stays as it was recorded" for row in unequal)
        yield from _block(limit, "=", "evidence", self.unequal, lines)


def plural(kind: str, number: int) -> str:
    noun = kind.replace("qa_run", "QA run")
    return noun if number == 1 or noun == "evidence" else f"{noun}s"


def _block(
    limit: int | None, sign: str, kind: str, number: int, lines: Iterable[str]
) -> Iterable[str]:
    if limit is None or number <= limit:
        return lines
    return [f"{sign} {number:,} {plural(kind, number)}"]


def _named(row: Row) -> str:
    name = row.values.get("name")
    return f"{row.key} {json.dumps(name, ensure_ascii=False)}" if name else row.key


def _changed(row: Row) -> str:
    words = KINDS[row.kind].stated
    said = ", ".join(
        f"{words.get(column, column)} {_short(old)} -> {_short(new)}"
        for column, (old, new) in (row.change or {}).items()
    )
    return f"~ {row.kind} {row.key}: {said}"


def _remarked_again(row: Row) -> bool:
    return bool(row.remark and row.remark.before and not row.added)


def _remarked(row: Row) -> str:
    remark = row.remark
    before = remark.before or {}
    names = (before.keys() | remark.content.keys()) - {"record"}
    said = ", ".join(
        f"{name} {_short(before.get(name))} -> {_short(remark.content.get(name))}"
        for name in sorted(names)
        if before.get(name) != remark.content.get(name)
    )
    return f"~ {row.kind} {row.key}: {said}"


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
    problems = Problems(plan.name)
    plan.spool.forget_marks()
    _clash_of_names(plan, problems)
    for kind in KINDS:
        here = 0
        for batch in batched(plan.rows(kind), spool.BATCH):
            existing = _existing(plan, kind, batch)
            here += len(existing)
            _clashes(plan, kind, batch, existing, problems)
            _compare(found, kind, batch, existing)
            if kind != "evidence":
                _compare_remarks(found, batch)
        if kind in KEPT and (missing := in_office(kind, plan.id).count() - here) > 0:
            found.missing[kind] = missing
    problems.refuse()
    return found


def _existing(plan: Plan, kind: str, rows: Sequence[Row]) -> dict[Any, dict[str, Any]]:
    """Return the columns of those rows that the office has, by their keys."""
    columns = {column for row in rows for column in row.values}
    existing = KINDS[kind].table._default_manager.filter(pk__in=[row.id for row in rows])
    if kind in KEPT:
        ours = in_office(kind, plan.id).filter(pk=OuterRef("pk"))
        existing, columns = existing.annotate(ours=Exists(ours)), columns | {"ours"}
    return {old["pk"]: old for old in existing.values("pk", *columns)}


def _compare(
    found: Difference, kind: str, rows: Sequence[Row], existing: Mapping[Any, dict[str, Any]]
) -> None:
    for row in rows:
        row.added = row.id not in existing
    added = [row.position for row in rows if row.added]
    changes = [
        (row.position, columns)
        for row in rows
        if row.id in existing and (columns := _differing(row, existing[row.id]))
    ]
    found.plan.spool.add_to_office(added)
    found.plan.spool.change(changes)
    if added:
        found.added[kind] += len(added)
    if kind == "evidence":
        found.unequal += len(changes)
    elif changes:
        found.changed[kind] += len(changes)


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


def _clash_of_names(plan: Plan, problems: Problems) -> None:
    if Program.objects.filter(name=plan.program.name).exclude(pk=plan.id).exists():
        (program,) = plan.rows("program")
        problems.about(program, "name", "another program of the office has this name")


def _clashes(
    plan: Plan,
    kind: str,
    rows: Sequence[Row],
    existing: Mapping[Any, dict[str, Any]],
    problems: Problems,
) -> None:
    """Say what the office rules out of these rows."""
    for row in rows:
        if row.id in existing and not _is_ours(plan, existing[row.id]):
            problems.about(row, None, "is the id of a row outside this program")
    if kind == "wave":
        numbers = [row.values["sequence_number"] for row in rows]
        standing = in_office("wave", plan.id).filter(sequence_number__in=numbers)
        kept = {
            number
            for id, number in standing.values_list("pk", "sequence_number")
            if not plan.spool.has("wave", id)
        }
        for row in rows:
            if row.values["sequence_number"] in kept:
                reason = "is that of a wave of the office not in the file"
                problems.about(row, "sequence_number", reason)
    if kind == "blocker":
        still_open = [row for row in rows if row.values["resolved_at"] is None]
        others = Blocker.objects.open().filter(
            entity_id__in=[row.values["entity_id"] for row in still_open]
        )
        kept = {
            (entity, classification)
            for id, entity, classification in others.values_list(
                "pk", "entity_id", "classification"
            )
            if not plan.spool.has("blocker", id)
        }
        for row in still_open:
            if (row.values["entity_id"], row.values["classification"]) in kept:
                reason = "is open in the office already, as another blocker"
                problems.about(row, None, reason)


def _is_ours(plan: Plan, old: Mapping[str, Any]) -> bool:
    if "entity_id" in old and plan.spool.has(old["entity_type"], old["entity_id"]):
        return True  # a blocker outlives what it blocked
    return old.get("ours", True)


def _compare_remarks(found: Difference, rows: Sequence[Row]) -> None:
    plan = found.plan
    newest = newest_remarks(plan.program.key, {row.subject[1] for row in rows})
    remarks = []
    for row in rows:
        about = {"kind": row.kind, "id": str(row.id), "key": row.key}
        content = {"record": about, **row.remarks}
        last = newest.get((row.kind, str(row.id)))
        if last is None or canonical(last.content) != canonical(content):
            # A chain: what is said again after something else was said is news.
            id = uuid5(last.id if last else plan.id, canonical(content))
            row.remark = Remark(id, content, last.content if last else None)
            remarks.append((row.position, row.remark))
            found.remarked_again += _remarked_again(row)
    found.remarks += len(remarks)
    plan.spool.remark(remarks)


@dataclass(slots=True)
class Kept:
    """The newest remark on a record, and the place of its first, which is the file's order."""

    id: UUID
    content: dict[str, Any]
    place: int

    @property
    def key(self) -> str:
        return self.content["record"]["key"]


def newest_remarks(program_key: str, entities: Iterable[UUID]) -> dict[tuple[str, str], Kept]:
    """Return what the imports of a program's file kept about its records, by kind and id."""
    newest: dict[tuple[str, str], Kept] = {}
    for ids in batched(entities, spool.BATCH):
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
