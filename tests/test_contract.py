"""The migrated database against the contract: its catalog, and what it does with raw rows."""

import json
import re
from datetime import timedelta
from itertools import chain

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from tests.contract import ADDITIONS, CONTRACT

pytestmark = pytest.mark.django_db

CATALOG = {
    "columns": """
        SELECT attname, format_type(atttypid, atttypmod)
            || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
            || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
            || CASE attidentity WHEN '' THEN '' ELSE ' IDENTITY' END
            || CASE attgenerated WHEN '' THEN '' ELSE ' GENERATED' END
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum
    """,
    # PostgreSQL 18 lists NOT NULL here as well; a constraint trigger is among the triggers.
    "constraints": """
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = %s::regclass AND contype NOT IN ('n', 't')
    """,
    "indexes": """
        SELECT relname, CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END
            || substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)')
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indrelid = %s::regclass AND indisvalid
            AND NOT EXISTS (
                SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u')
            )
    """,
    "triggers": """
        SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled = 'O'
    """,
}


def found(sql, kind, table):
    rows = dict(sql(CATALOG[kind], table))
    if kind == "triggers":
        return {name: words_of(definition) for name, definition in rows.items()}
    return rows


def words_of(trigger):
    """Leave of a trigger's definition when it fires, how, and what it runs."""
    definition = re.sub(r"^CREATE (CONSTRAINT )?TRIGGER \S+ | ON public\.\S+", "", trigger)
    definition = re.sub(r" REFERENCING( (OLD|NEW) TABLE AS \S+)+", "", definition)
    return definition.replace("EXECUTE FUNCTION ", "")


@pytest.mark.parametrize("kind", CATALOG)
@pytest.mark.parametrize("table", CONTRACT)
def test_a_table_is_what_the_contract_says_and_the_listed_additions(table, kind, sql):
    stated = CONTRACT[table].get(kind, {})
    added = ADDITIONS[table].get(kind, {})

    assert not stated.keys() & added.keys()
    assert found(sql, kind, table) == stated | added


@pytest.mark.parametrize("table", CONTRACT)
def test_columns_stand_in_the_order_of_the_contract_and_additions_after_them(table, sql):
    columns = [*CONTRACT[table]["columns"], *ADDITIONS[table].get("columns", {})]

    assert list(found(sql, "columns", table)) == columns


def test_the_ten_tables_are_ordinary_ones_in_the_public_schema(sql):
    rows = sql(
        "SELECT relname FROM pg_class"
        " WHERE relkind = 'r' AND relpersistence = 'p' AND relnamespace = 'public'::regnamespace"
    )

    assert len(CONTRACT) == 10
    assert {name for (name,) in rows} >= CONTRACT.keys()


def test_no_foreign_key_of_the_contract_is_deferrable_or_unchecked(sql):
    rows = sql(
        "SELECT conname, condeferrable, convalidated, confupdtype FROM pg_constraint"
        " WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])",
        list(CONTRACT),
    )

    stated = chain.from_iterable(table["constraints"] for table in CONTRACT.values())
    assert {name for name, *_ in rows} == {name for name in stated if name.endswith("_fkey")}
    assert {tuple(how) for _, *how in rows} == {(False, True, "a")}


def test_every_foreign_key_has_an_index_that_begins_with_it(sql):
    bare = sql(
        """
        SELECT conname FROM pg_constraint
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT FROM pg_index
            WHERE indrelid = conrelid AND indpred IS NULL
                AND (indkey::smallint[])[0:cardinality(conkey) - 1] = conkey
        )
        """
    )

    assert bare == []


# --- what it does with raw rows -----------------------------------------------------------------

PROGRAM, WAVE, TASK = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))

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


@pytest.mark.parametrize("table", CONTRACT)
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


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table in CONTRACT for column in required(table)]
)
def test_a_row_without_a_required_column_is_refused(table, column, insert):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        insert(table, **{column: None})

    assert refusal.value.__cause__.sqlstate == "23502"
    assert refusal.value.__cause__.diag.column_name == column


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (table, column)
        for table in CONTRACT
        for column, definition in CONTRACT[table]["columns"].items()
        if "NOT NULL DEFAULT" in definition
    ],
)
def test_a_default_does_not_stand_in_for_null(table, column, insert):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        insert(table, **{column: None})

    assert refusal.value.__cause__.sqlstate == "23502"


NOWHERE = "00000000-0000-4000-8000-00000000dead"
FULL = {"passing_tests": 3, "failing_tests": 0, "skipped_tests": 0}
NONE = {"passing_tests": 0, "failing_tests": 2, "skipped_tests": 1}
EMPTY = {"total_tests": 0, "passing_tests": 0, "failing_tests": 0, "skipped_tests": 0}


@pytest.mark.parametrize(
    ("table", "changed", "rule"),
    [
        ("programs", {"name": "One"}, "programs_name_key"),
        ("programs", {"state": "assigned"}, "programs_state_check"),
        ("programs", {"state": "Planned"}, "programs_state_check"),
        ("programs", {"state": ""}, "programs_state_check"),
        ("programs", {"progress_percentage": -1}, "programs_progress_percentage_check"),
        ("programs", {"progress_percentage": 101}, "programs_progress_percentage_check"),
        ("programs", {"program_id": PROGRAM}, "programs_pkey"),
        ("waves", {"sequence_number": 1}, "waves_program_id_sequence_number_key"),
        ("waves", {"state": "assigned"}, "waves_state_check"),
        ("waves", {"progress_percentage": -1}, "waves_progress_percentage_check"),
        ("waves", {"progress_percentage": 101}, "waves_progress_percentage_check"),
        ("waves", {"program_id": NOWHERE}, "waves_program_id_fkey"),
        ("waves", {"wave_id": WAVE}, "waves_pkey"),
        ("tasks", {"assigned_builder": "foreman"}, "tasks_assigned_builder_check"),
        ("tasks", {"assigned_builder": ""}, "tasks_assigned_builder_check"),
        ("tasks", {"state": "done"}, "tasks_state_check"),
        ("tasks", {"progress_percentage": -1}, "tasks_progress_percentage_check"),
        ("tasks", {"progress_percentage": 101}, "tasks_progress_percentage_check"),
        ("tasks", {"wave_id": NOWHERE}, "tasks_wave_id_fkey"),
        ("tasks", {"task_id": TASK}, "tasks_pkey"),
        ("builders", {"builder_id": "ux-builder"}, "builders_builder_id_check"),
        ("builders", {"backend_type": "cloud"}, "builders_backend_type_check"),
        ("builders", {"state": "asleep"}, "builders_state_check"),
        ("builders", {"current_task_id": NOWHERE}, "builders_current_task_id_fkey"),
        ("builders", {"builder_id": "ui-builder"}, "builders_pkey"),
        ("blockers", {"entity_type": "builder"}, "blockers_entity_type_check"),
        ("blockers", {"classification": "bad_luck"}, "blockers_classification_check"),
        ("heartbeats", {"status": "failed"}, "heartbeats_status_check"),
        ("heartbeats", {"progress_percentage": -1}, "heartbeats_progress_percentage_check"),
        ("heartbeats", {"progress_percentage": 101}, "heartbeats_progress_percentage_check"),
        ("heartbeats", {"builder_id": "qa-builder"}, "heartbeats_builder_id_fkey"),
        ("heartbeats", {"task_id": NOWHERE}, "heartbeats_task_id_fkey"),
        ("evidence_trail", {"entity_type": "blocker"}, "evidence_trail_entity_type_check"),
        ("governance_violations", {"task_id": NOWHERE}, "governance_violations_task_id_fkey"),
        (
            "governance_violations",
            {"builder_id": "qa-builder"},
            "governance_violations_builder_id_fkey",
        ),
        (
            "architecture_validations",
            {"pass_rate": "-0.01"},
            "architecture_validations_pass_rate_check",
        ),
        (
            "architecture_validations",
            {"pass_rate": "100.01"},
            "architecture_validations_pass_rate_check",
        ),
        (
            "architecture_validations",
            {"build_readiness": "READYISH"},
            "architecture_validations_build_readiness_check",
        ),
        (
            "architecture_validations",
            {"build_readiness": "READY", "pass_rate": "99.99"},
            "architecture_validations_ready_means_all",
        ),
        (
            "architecture_validations",
            {"build_readiness": "NOT_READY", "pass_rate": "100"},
            "architecture_validations_ready_means_all",
        ),
        ("architecture_validations", {"task_id": NOWHERE}, "architecture_validations_task_id_fkey"),
        ("qa_executions", {"task_id": NOWHERE}, "qa_executions_task_id_fkey"),
        ("qa_executions", {"qa_status": "AMBER"}, "qa_executions_qa_status_check"),
        ("qa_executions", {"total_tests": 4}, "qa_executions_counts_add_up"),
        ("qa_executions", {"total_tests": 2}, "qa_executions_counts_add_up"),
        (
            "qa_executions",
            {"failing_tests": -1, "total_tests": 1},
            "qa_executions_counts_not_negative",
        ),
        (
            "qa_executions",
            {"skipped_tests": -1, "total_tests": 1},
            "qa_executions_counts_not_negative",
        ),
        (
            "qa_executions",
            {"passing_tests": -1, "total_tests": 1, "qa_status": "RED"},
            "qa_executions_counts_not_negative",
        ),
        ("qa_executions", {"test_debt_count": -1}, "qa_executions_counts_not_negative"),
        ("qa_executions", {"qa_status": "GREEN"}, "qa_executions_status_follows_counts"),
        ("qa_executions", {"qa_status": "RED"}, "qa_executions_status_follows_counts"),
        ("qa_executions", FULL, "qa_executions_status_follows_counts"),
        ("qa_executions", {**FULL, "qa_status": "RED"}, "qa_executions_status_follows_counts"),
        (
            "qa_executions",
            {**FULL, "qa_status": "GREEN", "test_debt_count": 1},
            "qa_executions_status_follows_counts",
        ),
        ("qa_executions", NONE, "qa_executions_status_follows_counts"),
        ("qa_executions", {**NONE, "qa_status": "GREEN"}, "qa_executions_status_follows_counts"),
        ("qa_executions", EMPTY, "qa_executions_status_follows_counts"),
        ("qa_executions", {**EMPTY, "qa_status": "GREEN"}, "qa_executions_status_follows_counts"),
    ],
)
def test_a_wrong_row_is_refused_by_name(table, changed, rule, insert, refuses):
    with refuses(rule):
        insert(table, **changed)


def test_every_check_of_the_contract_is_refused_somewhere_above():
    [cases] = [
        mark.args[1]
        for mark in test_a_wrong_row_is_refused_by_name.pytestmark
        if mark.name == "parametrize"
    ]
    tried = {rule for _, _, rule in cases}
    stated = set()
    for table in CONTRACT:
        constraints = CONTRACT[table]["constraints"] | ADDITIONS[table].get("constraints", {})
        stated |= {name for name, words in constraints.items() if words.startswith("CHECK")}

    assert stated <= tried


@pytest.mark.parametrize(
    ("table", "changed"),
    [
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
    ],
)
def test_a_row_at_the_edge_of_a_rule_is_accepted(table, changed, insert):
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
