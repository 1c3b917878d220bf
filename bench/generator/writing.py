"""Write a story into an empty office, quickly: by COPY, past the triggers, in one transaction."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from psycopg import sql

from bench.generator.beats import BeatRows
from bench.generator.size import Size
from bench.generator.story import Story
from bench.generator.telling import RecordWriter, RowValues

# In the order of their foreign keys.
TABLES = [
    *("programs", "waves", "tasks", "architecture_validations", "qa_executions"),
    *("qa_test_results", "governance_violations", "blockers", "completion_claims"),
    *("builders", "heartbeats", "evidence_trail"),
]
# The triggers that judge nothing, but keep what follows from the rows.
KEEPING = {
    **{table: ["programs_keep_texts_inserted"] for table in ("programs", "waves", "tasks")},
    "qa_executions": [
        "governance_keep_latest_runs_inserted",
        "governance_keep_suite_turns_inserted",
    ],
    "qa_test_results": ["governance_keep_test_names"],
    "heartbeats": ["builders_keep_minutes_inserted"],
}
TRAIL = "evidence_id, entity_type, entity_id, action, actor, backend, model, context, timestamp"


def generate(size: Size, *, seed: int, now: datetime) -> None:
    """Fill an empty office; the same seed, size and moment make the same one."""
    story = Story(seed, size)
    write_office(story, size.heartbeats, now.replace(microsecond=0))


@transaction.atomic
def write_office(story: Story, heartbeats: int, now: datetime) -> None:
    """Fill the office: the tables as the story leaves them, and the trail in its order.

    The triggers would check each row as if it were written now, and alone. Foreign keys, checks
    and uniqueness stay in force.
    """
    beats = BeatRows(story, heartbeats)
    teller = RecordWriter(story, beats.worked(), now)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table, triggers in KEEPING.items():
            for trigger in triggers:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
        cursor.execute(
            f"CREATE TEMPORARY TABLE told ON COMMIT DROP AS"  # noqa: S608  our own names
            f" SELECT {TRAIL} FROM evidence_trail WITH NO DATA"
        )
        cursor.execute("ALTER TABLE told ADD COLUMN place bigserial")
        for program in story.programs:
            teller.tell_program(program)
            write_tables(teller.take())
        cursor.execute("SELECT to_jsonb(builders) FROM builders ORDER BY builder_id")
        for builder in [json.loads(row) for (row,) in cursor.fetchall()]:
            write_builder(teller.tell_builder(builder))
            write_tables(teller.take())
        write_beats(beats, teller, story.rng)
        cursor.execute("SELECT setval('governance_recorded', %s)", [next(teller.recorded)])
        cursor.execute(
            f"""
            INSERT INTO evidence_trail ({TRAIL}, sequence, witnessed)
            SELECT {TRAIL}, nextval('evidence_trail_sequence_seq'), true
            FROM (SELECT * FROM told ORDER BY timestamp, place) AS in_order
            """  # noqa: S608  as above
        )
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def write_tables(tables: Mapping[str, list[RowValues]]) -> None:
    for table in [*TABLES, *(tables.keys() - set(TABLES))]:
        if table in tables:
            columns = list(tables[table][0])
            rows = ([column_value(row[column]) for column in columns] for row in tables[table])
            copy("told" if table == "evidence_trail" else table, columns, rows)


def write_builder(row: RowValues) -> None:
    """Update a builder's row, which migrations have created, to what the story left."""
    key = row["builder_id"]
    columns = [
        *("backend_type", "current_task_id", "state", "provenance", "state_since", "assigned_at")
    ]
    statement = sql.SQL("UPDATE builders SET {} WHERE builder_id = %s").format(
        sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(each)) for each in columns)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*(column_value(row[column]) for column in columns), key])


def write_beats(beats: BeatRows, teller: RecordWriter, rng: Random) -> None:
    columns = [
        *("heartbeat_id", "builder_id", "task_id", "timestamp", "status", "message"),
        "progress_percentage",
    ]
    rows = (
        (
            *(UUID(int=rng.getrandbits(128), version=4), beat.builder),
            *(beat.task and beat.task.key, datetime.fromtimestamp(teller.zero + beat.at, UTC)),
            *(beat.status, beat.message, beat.progress),
        )
        for beat in beats
    )
    copy("heartbeats", columns, rows)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE builders SET last_heartbeat = last.heard, updated_at = last.heard
            FROM (SELECT builder_id, max(timestamp) AS heard FROM heartbeats GROUP BY 1) AS last
            WHERE builders.builder_id = last.builder_id
            """
        )


def copy(table: str, columns: list[str], rows: Iterable[Iterable[Any]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as rows_in:
        for row in rows:
            rows_in.write_row(row)


def column_value(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value
