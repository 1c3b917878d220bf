"""What a plan would change in the office as it is now. Reads only."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import batched, islice
from typing import Any
from uuid import UUID, uuid5

from django.db.models import Exists, OuterRef
from django.db.models.fields.json import KeyTextTransform
from psycopg import sql

from foreman_office.plan_files import staging
from foreman_office.plan_files.plan import AROUND, KINDS, CheckedPlan, Problems
from foreman_office.plan_files.staging import RecordCounts
from governance.models import Blocker, Evidence
from programs.models import JUDGED_BY, UNDER_WAY, Organisation, Program, StagedRecord, Task, Wave

IMPORTED = "imported"  # the action under which an import keeps what the file remarks on a record
OF_IMPORT = ("import", "user")  # what its context says of the import, and not of the record
SHORT = 60
# What the office has moved on since: a file's word counts when the row is made, or as history.
LIVE = {
    *("state", "progress_percentage", "evidence_location", "started_at", "completed_at"),
    *("assigned_builder", "resolved_at", "resolution_action", "resolution"),
}
TOLD = 1_000  # withheld values that are told one by one
# The trail is not compared: it only grows. These may stand in the office and not in the file.
KEPT = ["wave", "task", "validation", "qa_run", "violation", "heartbeat", "blocker"]


@dataclass(slots=True)
class PlanDifference:
    """The difference of a plan and the office. What only the office has is reported, and kept.

    This has the numbers; each staged row has its own difference. `history`: live values (`LIVE`)
    are changed too; otherwise they stay, and are `withheld`.
    """

    plan: CheckedPlan
    history: bool = False
    found: dict[str, RecordCounts] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(
            self.of(kind).new or self.changed(kind) or self.of(kind).written_remarks
            for kind in KINDS
        )

    def of(self, kind: str) -> RecordCounts:
        return self.found.get(kind, RecordCounts())

    def changed(self, kind: str) -> int:
        """Return how many rows would be changed; evidence stays as it was recorded."""
        return 0 if kind == "evidence" else self.of(kind).changed

    @property
    def withheld(self) -> int:
        return sum(found.withheld for found in self.found.values())

    @property
    def written_remarks(self) -> int:
        return sum(found.written_remarks for found in self.found.values())

    def rows_added(self, kind: str) -> Iterator[StagedRecord]:
        return self.plan.rows(kind, added=True)

    def rows_changed(self, kind: str) -> Iterator[StagedRecord]:
        return self.plan.rows(kind, change__isnull=False)

    @property
    def digest(self) -> str:
        """Return a digest of this difference, which no other of this plan and an office has."""
        return staging.digest(self.plan.staged)

    def lines(self, limit: int | None = 20) -> Iterator[str]:
        """Describe the difference, each block of more than `limit` lines by its number."""
        for kind in KINDS:
            lines = (f"+ {kind} {_named(row)}" for row in self.rows_added(kind))
            yield from _block(limit, "+", kind, self.of(kind).new, lines)
        for kind in KINDS:
            lines = map(_changed, self.rows_changed(kind))
            yield from _block(limit, "~", kind, self.changed(kind), lines)
        again = sum(found.remarked_again for found in self.found.values())
        yield from _block(limit, "~", "remark", again, map(_remarked, self._rows_remarked_again()))
        for kind, number in self.missing.items():
            yield f"= {number:,} {plural(kind, number)} of the office not in the file, kept"
        unequal = self.rows_changed("evidence")
        lines = (f"= evidence {row.name} stays as it was recorded" for row in unequal)
        yield from _block(limit, "=", "evidence", self.of("evidence").changed, lines)
        yield from self._stays(TOLD if limit is None else min(limit, TOLD))

    def _rows_remarked_again(self) -> Iterator[StagedRecord]:
        for kind in KINDS:
            yield from self.plan.rows(kind, added=False, remark_before__isnull=False)

    def _stays(self, limit: int) -> Iterator[str]:
        """Yield the live values that stay, and how many records more have some."""
        rows = (row for kind in KINDS for row in self.plan.rows(kind, withheld__isnull=False))
        number = self.withheld
        yield from map(_stays, islice(rows, min(limit, number)))
        if number > limit:
            more = number - limit
            yield f"! {more:,} more {plural('record', more)} with live values that stay"


def plural(kind: str, number: int) -> str:
    noun = kind.replace("qa_run", "QA run")
    return noun if number == 1 or noun == "evidence" else f"{noun}s"


def _block(
    limit: int | None, sign: str, kind: str, number: int, lines: Iterable[str]
) -> Iterable[str]:
    if not number:
        return []
    if limit is None or number <= limit:
        return lines
    return [f"{sign} {number:,} {plural(kind, number)}"]


def _named(row: StagedRecord) -> str:
    name = row.values.get("name")
    return f"{row.name} {json.dumps(name, ensure_ascii=False)}" if name else row.name


def _each(row: StagedRecord, columns: Mapping[str, Any], between: str) -> str:
    """Return columns by the file's words, in its order, with both values."""
    words = KINDS[row.kind].stated
    return ", ".join(
        f"{words.get(column, column)} {_short(columns[column][0])}{between}"
        f"{_short(columns[column][1])}"
        for column in [*words, AROUND.get(row.kind)]
        if column in columns
    )


def _changed(row: StagedRecord) -> str:
    return f"~ {row.kind} {row.name}: {_each(row, row.change, ' -> ')}"


def _stays(row: StagedRecord) -> str:
    said = _each(row, row.withheld, ", the file says ")
    return f"! {plural(row.kind, 1)} {row.name} keeps its live values: {said}"


def remarks_on(row: StagedRecord) -> dict[str, Any]:
    """Return what the evidence of an import says of a record beside its columns."""
    about = {"kind": row.kind, "id": str(row.row_id), "key": row.name}
    return {"record": about, **row.remarks}


def _remarked(row: StagedRecord) -> str:
    before, now = row.remark_before or {}, remarks_on(row)
    said = ", ".join(
        f"{name} {_short(before.get(name))} -> {_short(now.get(name))}"
        for name in sorted((before.keys() | now.keys()) - {"record"})
        if before.get(name) != now.get(name)
    )
    return f"~ {row.kind} {row.name}: {said}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else canonical(value)
    text = " ".join(text.split()) or '""'
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: true is not 1 there, as it is to Python."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def difference(plan: CheckedPlan, *, history: bool = False) -> PlanDifference:
    """Compare a plan with the office, or raise `PlanErrors` where both contradict each other.

    Live values of rows that exist stay as they are, unless `history` is asked for.
    """
    problems = Problems(plan.name)
    missing = {}
    staging.allow_time()
    for kind in KINDS:
        if plan.count(kind):
            _mark(plan, kind, keeps_live=not history and kind != "evidence")
        if plan.count(kind) and kind != "evidence":
            _compare_remarks(plan, kind)
    found = staging.counts_by_kind(plan.staged)
    for kind in KEPT:
        here = found[kind].rows - found[kind].new if kind in found else 0
        if here:
            _check_ours(plan, kind, problems)
        if (more := in_office(kind, plan.id).count() - here) > 0:
            missing[kind] = more
    _clashes(plan, problems)
    problems.refuse()
    return PlanDifference(plan, history, found, missing)


def names_of(kind: str) -> dict[str, sql.Identifier]:
    """Return what statements about a kind of rows name: its table, its key, and the staged one."""
    table = KINDS[kind].table._meta
    return {
        "table": sql.Identifier(table.db_table),
        "key": sql.Identifier(table.pk.column),
        "id": sql.Identifier("key" if kind == "builder" else "record_id"),
    }


def _mark(plan: CheckedPlan, kind: str, *, keeps_live: bool) -> None:
    """Mark each row of a kind as new, unchanged, or changed in which columns.

    Of those the live ones are withheld, if the office keeps them: of a task under way also what
    its work is judged by.
    """
    statement = sql.SQL(
        """
        UPDATE staged_records AS record SET
            remark_id = NULL, remark_before = NULL,
            (added, change, withheld) = (
                SELECT office.{key} IS NULL, differs.*
                FROM (SELECT record.{id} AS id) AS own
                LEFT JOIN {table} AS office ON office.{key} = own.id
                CROSS JOIN LATERAL (
                    SELECT
                        jsonb_object_agg(name, jsonb_build_array(old -> name, new -> name))
                            FILTER (WHERE NOT is_live) AS change,
                        jsonb_object_agg(name, jsonb_build_array(old -> name, new -> name))
                            FILTER (WHERE is_live) AS withheld
                    FROM (
                        SELECT to_jsonb(office) AS old,
                            to_jsonb(jsonb_populate_record(NULL::{table}, record.values)) AS new
                        OFFSET 0  -- made once for all columns
                    ) AS two, jsonb_array_elements_text(record.comparable) AS compared (name),
                    LATERAL (
                        SELECT name = ANY (%(live)s::text[]) OR name = ANY (%(judged)s::text[])
                            AND old ->> 'state' = ANY (%(under_way)s::text[])
                    ) AS judged (is_live)
                    WHERE office.{key} IS NOT NULL
                        AND old -> name IS DISTINCT FROM new -> name
                ) AS differs
            )
        WHERE record.staged_import_id = %(staged)s AND record.kind = %(kind)s
        """
    ).format(**names_of(kind))
    params = {
        "staged": plan.staged.pk,
        "kind": kind,
        "live": [*LIVE] if keeps_live else [],
        "judged": [*JUDGED_BY] if keeps_live and kind == "task" else [],
        "under_way": [state.value for state in UNDER_WAY],
    }
    staging.execute(statement, params)


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


def _check_ours(plan: CheckedPlan, kind: str, problems: Problems) -> None:
    """Report rows that have the id of a row outside the program."""
    staged = staging.staged_records(plan.staged)
    here = staged.filter(kind=kind, added=False)
    others = KINDS[kind].table._default_manager.filter(pk__in=here.values("record_id"))
    others = others.exclude(pk__in=in_office(kind, plan.id).values("pk"))
    if kind == "blocker":  # it outlives what it blocked
        about = staged.filter(kind=OuterRef("entity_type"), record_id=OuterRef("entity_id"))
        others = others.exclude(Exists(about))
    for row in staging.walk(here.filter(record_id__in=others.values("pk"))):
        problems.about(row, None, "is the id of a row outside this program")


def _clashes(plan: CheckedPlan, problems: Problems) -> None:
    """Report what the office's rules refuse of these rows."""
    staged = staging.staged_records(plan.staged)
    name = plan.program.values["name"]
    if Program.objects.filter(name=name).exclude(pk=plan.id).exists():
        problems.about(plan.program, "name", "another program of the office has this name")
    _foreign(plan, problems)
    of_file = staged.filter(kind="wave").values("record_id")
    kept = {
        *in_office("wave", plan.id)
        .exclude(pk__in=of_file)
        .values_list("sequence_number", flat=True)
    }
    for row in plan.rows("wave", values__sequence_number__in=[*kept]) if kept else ():
        reason = "is that of a wave of the office not in the file"
        problems.about(row, "sequence_number", reason)
    if plan.count("blocker"):
        of_file = staged.filter(kind="blocker").values("record_id")
        same = Blocker.objects.open().filter(
            entity_id=OuterRef("subject_id"),
            classification=KeyTextTransform("classification", OuterRef("values")),
        )
        same = same.exclude(pk__in=of_file)
        still_open = staged.filter(Exists(same), kind="blocker", values__resolved_at=None)
        for row in staging.walk(still_open):
            problems.about(row, None, "is open in the office already, as another blocker")


def _foreign(plan: CheckedPlan, problems: Problems) -> None:
    """Report a program that the file gives to another organisation than the office knows."""
    [program] = plan.rows("program")
    organisation = program.values.get("organisation_id")
    if "organisation_id" in (program.change or {}):
        problems.about(
            program,
            "organisation_id",
            "is not the program's: leave it out here. A program moves with all that hangs on it, by"
            " manage.py organisation move or in the admin",
        )
    elif program.added and organisation and not Organisation.objects.filter(pk=organisation):
        problems.about(
            program, "organisation_id", "is no organisation of this office: leave it out"
        )


def _compare_remarks(plan: CheckedPlan, kind: str) -> None:
    """Mark the rows whose remarks in the file differ from those of the last import."""
    for rows in batched(plan.rows(kind), staging.BATCH):
        newest = newest_remarks(str(plan.program.key), {row.subject_id for row in rows})
        remarks = []
        for row in rows:
            content = remarks_on(row)
            last = newest.get((row.kind, str(row.row_id)))
            if last is None or canonical(last.content) != canonical(content):
                # A chain: what is said again after something else was said is news.
                id = uuid5(last.id if last else plan.id, canonical(content))
                remarks.append((row.position, id, last.content if last else None))
        staging.remark(plan.staged, remarks)


@dataclass(slots=True)
class KeptRemark:
    """The newest remark on a record, and the place of its first, which is the file's order."""

    id: UUID
    content: dict[str, Any]
    place: int

    @property
    def key(self) -> str:
        return self.content["record"]["key"]


def newest_remarks(program_key: str, entities: Iterable[UUID]) -> dict[tuple[str, str], KeptRemark]:
    """Return what the imports of a program's file kept about its records, by kind and id."""
    newest: dict[tuple[str, str], KeptRemark] = {}
    for ids in batched(entities, staging.BATCH):
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
            newest[kind, key] = KeptRemark(id, content, before.place if before else sequence)
    return newest
