"""Write a plan into the office: one transaction, one COPY for each table."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from itertools import batched
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.db import connection, models
from psycopg import sql
from psycopg.types.json import Jsonb

from foreman_office.kit.acts import FOREMAN, Actor, act
from governance.models import Evidence
from governance.plans.difference import IMPORTED, Difference, difference
from governance.plans.plan import KINDS, Plan
from programs.models import Wave

Progress = Callable[[str, int, int], None]
STEP = 500


class OfficeMoved(Exception):
    """The office is not as it was when the difference was looked at."""


def apply(
    plan: Plan, *, by: Actor, progress: Progress = lambda *_: None, seen: str | None = None
) -> Difference:
    """Bring the office to what the plan says, and return what that changed.

    `seen` is the digest of the difference that was agreed to. Raises `PlanErrors`, `Refused`, or
    `OfficeMoved` where the difference is another by now, and then nothing is written.
    """
    mark = {"file": PurePath(plan.name).name, "program": plan.program.key}
    with act(by, **{"import": mark}):
        with connection.cursor() as cursor:
            # One COPY, with its triggers, may be of very many rows.
            cursor.execute("SET LOCAL statement_timeout = '10min'")
            # A second import of the program waits here, and then finds what this one left.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(plan.id)])
        found = difference(plan)
        if seen is not None and found.digest != seen:
            raise OfficeMoved
        derived = _progress(plan) if found.added["program"] or found.added["wave"] else {}
        for kind in KINDS:
            if kind != "evidence":
                _update(kind, found, progress)
            _insert(kind, found, derived, progress)
        _remark(found, mark, by, progress)
    return found


def _update(kind: str, found: Difference, progress: Progress) -> None:
    """Write the columns that differ, rows with the same ones together."""
    table = KINDS[kind].table
    if kind == "wave":
        _make_way(found)
    done = 0
    for batch in batched(found.rows_changed(kind), STEP):
        alike: dict[tuple[str, ...], list[models.Model]] = defaultdict(list)
        for row in batch:
            new = {column: values[1] for column, values in (row.change or {}).items()}
            alike[tuple(new)].append(table(pk=row.id, **new))
        for columns, rows in alike.items():
            table._default_manager.bulk_update(rows, columns)
        done += len(batch)
        progress(kind, done, found.changed[kind])


def _make_way(found: Difference) -> None:
    """Lift waves that change places out of each other's way, as no two may share a number."""
    changed = found.rows_changed("wave")
    moving = [row.id for row in changed if "sequence_number" in (row.change or {})]
    if len(moving) > 1:
        program = Wave.objects.filter(pk__in=moving).values("program")
        highest = models.Max("sequence_number")
        top = Wave.objects.filter(program__in=program).aggregate(top=highest)["top"]
        Wave.objects.filter(pk__in=moving).update(
            sequence_number=models.F("sequence_number") + max(top, 0) + 1
        )


def _insert(kind: str, found: Difference, derived: Mapping[Any, int], progress: Progress) -> None:
    total = found.added[kind]
    if not total:
        return
    table = KINDS[kind].table
    columns = list(next(found.rows_added(kind)).values)
    if kind in ("program", "wave"):
        columns.append("progress_percentage")
    moment = _now()

    def lines() -> Iterable[list[Any]]:
        for number, row in enumerate(found.rows_added(kind), 1):
            values = row.values
            if "created_at" in values:
                created = values["created_at"] or moment
                values = values | {
                    "created_at": created,
                    "updated_at": values["updated_at"] or max(created, moment),
                    "progress_percentage": derived.get(row.id, values.get("progress_percentage")),
                }
            yield [row.id, *(values[column] for column in columns)]
            if number % STEP == 0 or number == total:
                progress(kind, number, total)

    _copy(table, [table._meta.pk.attname, *columns], lines())


def _progress(plan: Plan) -> dict[Any, int]:
    """Return the progress that waves and program will have, as the database computes it.

    A row that arrives with it needs no correction by the triggers, and keeps its `updated_at`.
    """
    found = {UUID(wave): _mean(total, number) for wave, total, number in plan.spool.progress()}
    return found | {plan.id: _mean(sum(found.values()), len(found))}


def _mean(total: int, number: int) -> int:
    if not number:
        return 0
    return int((Decimal(total) / number).quantize(Decimal(1), ROUND_HALF_UP))


def _remark(found: Difference, mark: dict[str, str], by: Actor, progress: Progress) -> None:
    """Keep what the file says beyond the columns, as evidence of the import."""
    total = found.remarks
    if not total:
        return
    user = {} if by is None or hasattr(by, "actor_name") else {"user": by.get_username()}

    def lines() -> Iterable[list[Any]]:
        for number, row in enumerate(found.rows_remarked(), 1):
            context = user | {"import": mark} | row.remark.content
            yield [row.remark.id, *row.subject, IMPORTED, FOREMAN, context]
            if number % STEP == 0 or number == total:
                progress("remark", number, total)

    columns = ["evidence_id", "entity_type", "entity_id", "action", "actor", "context"]
    _copy(Evidence, columns, lines())


def _copy(table: type[models.Model], columns: list[str], rows: Iterable[list[Any]]) -> None:
    """Insert rows by one COPY: one statement, so that each trigger runs once for all of them."""
    json = {
        number
        for number, column in enumerate(columns)
        if isinstance(table._meta.get_field(column), models.JSONField)
    }
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row([Jsonb(v) if n in json else v for n, v in enumerate(row)])


def _now() -> Any:
    """Return the time that the database would take for a row of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        return cursor.fetchone()[0]
