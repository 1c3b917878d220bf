"""Write a plan into the office: one transaction, one INSERT for each table."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import PurePath
from typing import Any

from django.db import IntegrityError, models
from psycopg import sql

from foreman_office.plan_files import staging
from foreman_office.plan_files.difference import PlanDifference, difference, names_of
from foreman_office.plan_files.plan import KINDS, CheckedPlan
from foreman_office.plan_files.staging import execute
from kit.core.acts import Actor, Refused
from programs.history import recording
from programs.models import Wave

Progress = Callable[[str, int, int], None]

# A heartbeat sets its builder's state where it is stored, so that they are stored in the order of
# their times. Of one moment, they keep the order that an export has: waves stand by number in it.
HEARTBEAT_ORDER = sql.SQL(
    """
    new.timestamp,
    (SELECT sequence_number FROM waves JOIN tasks USING (wave_id) WHERE task_id = new.task_id),
    record.position
    """
)


class OfficeMoved(Exception):
    """The office has changed since the difference was computed."""


def apply(
    plan: CheckedPlan,
    *,
    by: Actor,
    progress: Progress = lambda *_: None,
    seen: str | None = None,
    history: str = "",
) -> PlanDifference:
    """Write the plan into the office, and return the difference that was written.

    Live values of rows that exist stay, unless `history` is the reason to set them too: that is an
    override. `seen` is the digest of the difference that was agreed to. Raises `PlanErrors`,
    `Refused`, or `OfficeMoved` where the difference is another by now; nothing is written then.
    """
    mark = {"file": PurePath(plan.name).name, "program": plan.program.key}
    with recording(mark, by=by, override=history):
        staging.allow_time()
        _take_turn(plan)
        found = difference(plan, history=bool(history))
        if seen is not None and found.digest != seen:
            raise OfficeMoved
        if found.of("program").new or found.of("wave").new:
            _derive_progress(plan)
        for kind in KINDS:
            if found.changed(kind):
                _update(kind, found)
                progress(kind, found.changed(kind), found.changed(kind))
            if found.of(kind).new:
                _insert(kind, plan)
                progress(kind, found.of(kind).new, found.of(kind).new)
        if found.written_remarks:
            _remark(plan, mark, by)
            progress("remark", found.written_remarks, found.written_remarks)
    return found


def _take_turn(plan: CheckedPlan) -> None:
    """Wait for another import of the program, to find what it left.

    Raises `Refused` where a member's file names a program that is not of their organisation.
    """
    try:
        execute(
            "INSERT INTO import_turns VALUES (%s)"
            " ON CONFLICT (program_id) DO UPDATE SET program_id = EXCLUDED.program_id",
            [plan.id],
        )
    except IntegrityError as error:
        raise Refused(
            "plan_program_id",
            "The id or key of this file's program cannot be used here: choose another. Nothing was"
            " changed.",
        ) from error


def _update(kind: str, found: PlanDifference) -> None:
    """Update the columns that differ, one statement for rows with the same ones."""
    if kind == "wave":
        _make_way(found)
    params = {"staged": found.plan.staged.pk, "kind": kind}
    alike = execute(
        """
        SELECT DISTINCT ARRAY(SELECT jsonb_object_keys(change) ORDER BY 1) FROM staged_records
        WHERE staged_import_id = %(staged)s AND kind = %(kind)s AND change IS NOT NULL
        """,
        params,
    )
    for (columns,) in alike:
        values = sql.SQL(", ").join(
            sql.SQL("{0} = new.{0}").format(sql.Identifier(column)) for column in columns
        )
        statement = sql.SQL(
            """
            UPDATE {table} AS office SET {values}
            FROM staged_records AS record
            CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, record.values) AS new
            WHERE record.staged_import_id = %(staged)s AND record.kind = %(kind)s
                AND office.{key} = record.{id} AND record.change IS NOT NULL
                AND ARRAY(SELECT jsonb_object_keys(record.change) ORDER BY 1) = %(columns)s::text[]
            """
        ).format(values=values, **names_of(kind))
        execute(statement, params | {"columns": columns})


def _make_way(found: PlanDifference) -> None:
    """Move waves that change places to free numbers first, as no two may share one."""
    changed = found.rows_changed("wave")
    moving = [row.record_id for row in changed if "sequence_number" in row.change]
    if len(moving) > 1:
        program = Wave.objects.filter(pk__in=moving).values("program")
        highest = models.Max("sequence_number")
        top = Wave.objects.filter(program__in=program).aggregate(top=highest)["top"]
        Wave.objects.filter(pk__in=moving).update(
            sequence_number=models.F("sequence_number") + max(top, 0) + 1
        )


def _insert(kind: str, plan: CheckedPlan) -> None:
    """Insert the new rows by one statement, so that each trigger runs once for all of them."""
    if kind == "evidence":  # only the database itself writes to the trail
        execute("SELECT governance_record_evidence(%s)", [plan.staged.pk])
        return
    params = {"staged": plan.staged.pk, "kind": kind}
    stated = execute(
        """
        SELECT DISTINCT jsonb_object_keys(values) FROM staged_records
        WHERE staged_import_id = %(staged)s AND kind = %(kind)s AND added
        """,
        params,
    )
    columns = sorted(column for (column,) in stated)
    statement = sql.SQL(
        """
        INSERT INTO {table} ({key}, {columns})
        SELECT record.{id}, {values}
        FROM staged_records AS record
        CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, record.values) AS new
        WHERE record.staged_import_id = %(staged)s AND record.kind = %(kind)s AND record.added
        ORDER BY {order}
        """
    ).format(
        order=HEARTBEAT_ORDER if kind == "heartbeat" else sql.SQL("record.position"),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(map(_new_value, columns)),
        **names_of(kind),
    )
    execute(statement, params)


def _new_value(column: str) -> sql.Composable:
    """Return what a new row has in a column: a row without a time of creation is created now."""
    match column:
        case "created_at":
            return sql.SQL("coalesce(new.created_at, now())")
        case "updated_at":
            return sql.SQL("coalesce(new.updated_at, greatest(new.created_at, now()))")
    return sql.SQL("new.{}").format(sql.Identifier(column))


def _derive_progress(plan: CheckedPlan) -> None:
    """Stage the progress that waves and program will have, as the database computes it.

    A row that arrives with it needs no correction by the triggers, and keeps its `updated_at`.
    """
    of_tasks = staging.progress(plan.staged)
    means = {
        wave.position: _mean(*of_tasks.get(wave.position, (0, 0))) for wave in plan.rows("wave")
    }
    means[plan.program.position] = _mean(sum(means.values()), len(means))
    values = {place: {"progress_percentage": mean} for place, mean in means.items()}
    staging.add_values(plan.staged, values)


def _mean(total: int, number: int) -> int:
    if not number:
        return 0
    return int((Decimal(total) / number).quantize(Decimal(1), ROUND_HALF_UP))


def _remark(plan: CheckedPlan, mark: dict[str, Any], by: Actor) -> None:
    """Store what the file has beyond the columns, as evidence of the import."""
    user = {} if by is None or hasattr(by, "actor_name") else {"user": by.get_username()}
    execute(
        "SELECT governance_record_remarks(%s, %s, %s)",
        [plan.staged.pk, [*KINDS], staging.encoded(user | {"import": mark})],
    )
