"""What the tables of the contract do with raw rows."""

import json
import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from tests.contract import CONTRACT
from tests.contract_organisations import ADDITIONS
from tests.contract_wrong_rows import EMPTY, FULL, NONE, PROGRAM, TASK, WAVE, WRONG
from tests.scenes import undone
from tests.test_contract import each_table

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("open_trail")]


# --- what it does with raw rows -----------------------------------------------------------------


# What a row must give, and no more.
REQUIRED = {
    "programs": {"name": "Another", "description": "", "state": "planned"},
    "waves": {"program_id": PROGRAM, "name": "W", "sequence_number": 2, "state": "planned"},
    "tasks": {
        "wave_id": WAVE,
        "name": "T",
        "architecture_reference": "",
        "qa_suite_location": "",
        "acceptance_criteria": "",
        "state": "planned",
    },
    "builders": {"builder_id": "qa-builder", "backend_type": "local", "state": "idle"},
    "blockers": {
        "entity_type": "task",
        "entity_id": TASK,
        "classification": "protected_path",
        "description": "",
    },
    "heartbeats": {"builder_id": "ui-builder", "status": "idle"},
    "evidence_trail": {
        "entity_type": "task",
        "entity_id": TASK,
        "action": "seen",
        "actor": "foreman",
    },
    "governance_violations": {"violation_type": "", "description": ""},
    "architecture_validations": {
        "task_id": TASK,
        "architecture_reference": "",
        "validation_results": "{}",
        "pass_rate": "12.50",
        "build_readiness": "NOT_READY",
    },
    "qa_executions": {
        "task_id": TASK,
        "qa_suite_location": "",
        "total_tests": 3,
        "passing_tests": 1,
        "failing_tests": 1,
        "skipped_tests": 1,
        "qa_status": "PARTIAL",
    },
}


@pytest.fixture
def plan(sql):
    """A program with a wave with a task, and room for the fifth builder."""
    sql("INSERT INTO programs VALUES (%s, 'One', '', DEFAULT, 'planned')", PROGRAM)
    sql("INSERT INTO waves VALUES (%s, %s, 'One', 1, DEFAULT, 'planned')", WAVE, PROGRAM)
    sql("INSERT INTO tasks VALUES (%s, %s, 'One', '', '', '', NULL, 'planned')", TASK, WAVE)
    sql("DELETE FROM builders WHERE builder_id = 'qa-builder'")


@pytest.fixture
def insert(sql, plan):
    """Insert a row of a table, and return all of it."""

    def insert(table, **changed):
        row = REQUIRED[table] | changed
        statement = "INSERT INTO {} ({}) VALUES ({}) RETURNING to_jsonb({})".format(
            table, ", ".join(row), ", ".join(["%s"] * len(row)), table
        )
        [(inserted,)] = sql(statement, *row.values())
        return json.loads(inserted)

    return insert


def required(table):
    for column, definition in CONTRACT[table]["columns"].items():
        if "NOT NULL" in definition and "DEFAULT" not in definition:
            yield column


DEFAULTS = {"'[]'::jsonb": [], "'{}'::jsonb": {}, "0": 0, "'foreman'::text": "foreman"}


@each_table
def test_a_row_of_required_columns_gets_the_documented_defaults(table, insert, sql):
    row = insert(table)

    [(moment,)] = sql("SELECT to_jsonb(now()) #>> '{}'")
    assert set(REQUIRED[table]) == set(required(table))
    for column, definition in CONTRACT[table]["columns"].items():
        default = definition.partition("DEFAULT ")[2]
        if default == "now()":
            assert row[column] == moment
        elif default == "gen_random_uuid()":
            assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{21}", row[column])
        elif default:
            assert row[column] == DEFAULTS[default]
        elif column not in REQUIRED[table]:
            assert row[column] is None


@each_table
def test_no_column_that_must_not_be_null_takes_null(table, insert, subtests):
    """Neither what a row must give, nor what has a default when it is left out."""
    for column, definition in CONTRACT[table]["columns"].items():
        if "NOT NULL" in definition and (table, column) not in FILLED:
            with subtests.test(column=column):
                with pytest.raises(IntegrityError) as refusal, transaction.atomic():
                    insert(table, **{column: None})

                assert refusal.value.__cause__.sqlstate == "23502"
                assert refusal.value.__cause__.diag.column_name == column


# What a trigger fills in where it is left out, so that it is never null.
FILLED = [
    *(("qa_executions", "qa_status"), ("architecture_validations", "build_readiness")),
    ("evidence_trail", "timestamp"),
]


def test_what_is_left_out_and_filled_in_is_not_null(insert, sql):
    for table, column in FILLED:
        insert(table, **{column: None})

        assert sql(f"SELECT count(*) FROM {table} WHERE {column} IS NULL") == [(0,)]


@each_table
def test_a_wrong_row_is_refused_by_name(table, insert, refuses, subtests):
    for _, changed, rule in (case for case in WRONG if case[0] == table):
        with subtests.test(changed=changed), refuses(rule):
            insert(table, **changed)


def test_every_check_of_the_contract_is_refused_somewhere_above():
    stated = set()
    for table in CONTRACT:
        constraints = CONTRACT[table]["constraints"] | ADDITIONS[table].get("constraints", {})
        stated |= {name for name, words in constraints.items() if words.startswith("CHECK")}

    assert stated <= {rule for _, _, rule in WRONG}


AT_THE_EDGE = [
    *[("programs", {"state": state}) for state in ("in-progress", "blocked", "completed")],
    ("programs", {"progress_percentage": 100, "state": "failed"}),
    *[("tasks", {"state": state}) for state in ("assigned", "in-progress", "failed")],
    ("tasks", {"assigned_builder": "qa-builder", "progress_percentage": 100}),
    ("builders", {"current_task_id": TASK, "backend_type": "burst", "state": "failed"}),
    ("heartbeats", {"progress_percentage": 100, "task_id": TASK, "status": "blocked"}),
    ("architecture_validations", {"pass_rate": 100, "build_readiness": "READY"}),
    ("architecture_validations", {"pass_rate": 99.99}),
    ("architecture_validations", {"pass_rate": 0}),
    ("qa_executions", {**FULL, "qa_status": "GREEN"}),
    ("qa_executions", {**FULL, "qa_status": "PARTIAL", "test_debt_count": 1}),
    ("qa_executions", {**NONE, "qa_status": "RED"}),
    ("qa_executions", {**EMPTY, "qa_status": "RED"}),
]


def test_a_row_at_the_edge_of_a_rule_is_accepted(insert, subtests):
    for table, changed in AT_THE_EDGE:
        with subtests.test(table=table, changed=changed), undone():
            row = insert(table, **changed)
            assert {column: row[column] for column in changed} == changed


def test_two_builders_never_hold_one_task(insert, sql, refuses):
    sql("UPDATE builders SET current_task_id = %s WHERE builder_id = 'ui-builder'", TASK)

    with refuses("idx_builders_current_task"):
        insert("builders", current_task_id=TASK)


# --- deleting -----------------------------------------------------------------------------------


def test_deleting_a_program_takes_its_waves_and_tasks_along(plan, sql):
    sql("DELETE FROM programs WHERE program_id = %s", PROGRAM)

    assert sql("SELECT name FROM waves") == sql("SELECT name FROM tasks") == []


def test_deleting_a_wave_takes_its_tasks_along_and_leaves_its_program(plan, sql):
    sql("DELETE FROM waves WHERE wave_id = %s", WAVE)

    assert sql("SELECT name FROM tasks") == []
    assert sql("SELECT name FROM programs") == [("One",)]


def test_a_task_in_a_builders_hands_cannot_be_deleted_even_for_a_moment(plan, sql):
    sql("UPDATE builders SET current_task_id = %s WHERE builder_id = 'ui-builder'", TASK)

    for statement in ("tasks", "waves", "programs"):
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            sql(f"DELETE FROM {statement}")
        assert refusal.value.__cause__.diag.constraint_name == "builders_current_task_id_fkey"
        assert refusal.value.__cause__.sqlstate in {"23001", "23503"}  # 23001 from 18 on


@pytest.mark.parametrize(
    "table",
    ["heartbeats", "governance_violations", "architecture_validations", "qa_executions"],
)
def test_a_task_with_history_cannot_be_deleted(table, insert, sql, refuses):
    insert(table, task_id=TASK)

    with refuses(f"{table}_task_id_fkey"):
        sql("DELETE FROM tasks")
    with refuses(f"{table}_task_id_fkey"):
        sql("DELETE FROM programs")


@pytest.mark.parametrize("table", ["heartbeats", "governance_violations"])
def test_a_builder_with_history_cannot_be_deleted(table, insert, sql, refuses):
    insert(table, builder_id="ui-builder")

    with refuses(f"{table}_builder_id_fkey"):
        sql("DELETE FROM builders WHERE builder_id = 'ui-builder'")


# --- who updates updated_at ---------------------------------------------------------------------


@pytest.mark.parametrize("table", ["programs", "waves", "tasks", "builders"])
def test_updated_at_is_the_databases_whatever_the_writer_says(table, plan, sql):
    yesterday = now() - timedelta(days=1)
    [(moment,)] = sql("SELECT now()")

    sql(f"UPDATE {table} SET state = 'blocked', updated_at = %s", yesterday)

    assert set(sql(f"SELECT state, updated_at FROM {table}")) == {("blocked", moment)}


@pytest.mark.parametrize("table", ["programs", "waves", "tasks", "builders"])
def test_an_insert_may_bring_its_own_times(table, insert):
    row = insert(table, created_at="2025-12-03T10:00:00+00:00", updated_at="2025-12-04T10:00:00Z")

    assert row["created_at"].startswith("2025-12-03")
    assert row["updated_at"].startswith("2025-12-04")


# --- the builders -------------------------------------------------------------------------------


def test_the_five_builders_exist_after_migrate(sql):
    rows = sql("SELECT builder_id, backend_type, current_task_id, state, provenance FROM builders")

    assert sorted(rows) == [
        (f"{name}-builder", "local", None, "idle", "{}")
        for name in ("api", "integration", "qa", "schema", "ui")
    ]
