"""The latest run of each suite, the last to arrive, is kept: whatever is done to runs."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.models import LatestRun, QAExecution, SuiteTurn
from tests.database import as_administrator
from tests.examples import examples
from tests.factories import QAExecutionFactory, TaskFactory
from tests.races import overlap

LATEST = """
    SELECT DISTINCT ON (task_id, qa_suite_location)
        execution_id, task_id, qa_suite_location, executed_at, qa_status,
        total_tests, passing_tests, failing_tests, skipped_tests, test_debt_count
    FROM qa_executions
    ORDER BY task_id, qa_suite_location, arrived_at DESC, recorded DESC
"""
KEPT = """
    SELECT execution_id, task_id, qa_suite_location, executed_at, qa_status,
        total_tests, passing_tests, failing_tests, skipped_tests, test_debt_count
    FROM qa_latest_runs
"""
# What is kept and is not so, and what is so and is not kept.
ASTRAY = f"(({LATEST}) EXCEPT {KEPT}) UNION ALL ({KEPT} EXCEPT ({LATEST}))"
WITH_A_REASON = """SELECT set_config('foreman.context', '{"reason": "a correction"}', true)"""
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def tasks(db):
    return [TaskFactory(state="completed") for _ in range(2)]


suites, hours, number = st.sampled_from(["a/", "b/"]), st.integers(0, 3), st.integers(0, 1)
runs = st.tuples(number, suites, hours, st.integers(0, 2))
nth = st.integers(0, 7)
acts = st.one_of(
    st.tuples(st.just("insert"), st.lists(runs, min_size=1, max_size=4)),
    st.tuples(st.just("move"), st.tuples(nth, number, suites, hours)),
    st.tuples(st.just("correct"), st.tuples(nth, st.integers(0, 2))),
    st.tuples(st.just("shift"), hours),
    st.tuples(st.just("delete"), st.lists(nth, min_size=1, max_size=3)),
    st.tuples(st.just("delete suite"), suites),
)


def at(hour):
    return FIRST + timedelta(hours=hour)


@examples(10)
@given(doings=st.lists(acts, max_size=8))
def test_whatever_is_done_to_runs_the_latest_of_each_suite_is_kept(doings, tasks, sql):
    sql(WITH_A_REASON)
    QAExecution.objects.all().delete()
    for act, what in doings:
        keys = list(
            QAExecution.objects.order_by("arrived_at", "recorded").values_list("pk", flat=True)
        )
        match act, what:
            case "insert", several:
                copied = [
                    [tasks[task].pk, suite, at(hour), passing]
                    for task, suite, hour, passing in several
                ]
                insert(sql, copied)
            case "move", (which, task, suite, hour):
                sql(
                    "UPDATE qa_executions SET task_id = %s, qa_suite_location = %s,"
                    " executed_at = %s, arrived_at = %s WHERE execution_id = ANY (%s)",
                    *(tasks[task].pk, suite, at(hour), at(hour), keys[which : which + 1]),
                )
            case "correct", (which, passing):
                sql(
                    "UPDATE qa_executions SET passing_tests = %s, failing_tests = 2 - %s,"
                    " qa_status = (ARRAY['RED', 'PARTIAL', 'GREEN'])[%s + 1]"
                    " WHERE execution_id = ANY (%s)",
                    *(passing, passing, passing, keys[which : which + 1]),
                )
            case "shift", hour:
                sql(
                    "UPDATE qa_executions SET arrived_at = %s - (arrived_at - %s)",
                    at(hour),
                    FIRST,
                )
            case "delete", several:
                gone = [keys[which] for which in several if which < len(keys)]
                sql("DELETE FROM qa_executions WHERE execution_id = ANY (%s)", gone)
            case "delete suite", suite:
                sql("DELETE FROM qa_executions WHERE qa_suite_location = %s", suite)
        assert sql(ASTRAY) == []
        assert turns_kept() == turns_told()


def turns_kept():
    return sorted(SuiteTurn.objects.values_list("execution", "is_green", "turned_at", "since"))


def turns_told():
    """Follow the runs of each suite, one after the other."""
    found, before = [], {}
    for run in QAExecution.objects.order_by("arrived_at", "recorded"):
        suite, is_green = (run.task_id, run.qa_suite_location), run.qa_status == "GREEN"
        was_green, since = before.get(suite, (None, None))
        if was_green is None:
            before[suite] = is_green, run.executed_at
        elif was_green != is_green:
            found.append((run.pk, is_green, run.executed_at, since))
            before[suite] = is_green, run.executed_at
    return sorted(found)


def insert(sql, rows):
    """Insert runs of two tests each, in one statement."""
    named = [dict(zip(("task_id", "suite", "at", "passing"), row, strict=True)) for row in rows]
    sql(
        """
        INSERT INTO qa_executions (task_id, qa_suite_location, executed_at, arrived_at, total_tests,
            passing_tests, failing_tests, skipped_tests, qa_status)
        SELECT task_id, suite, at, at, 2, passing, 2 - passing, 0,
            (ARRAY['RED', 'PARTIAL', 'GREEN'])[passing + 1]
        FROM jsonb_to_recordset(%s)
            AS run (task_id uuid, suite text, at timestamptz, passing integer)
        """,
        json.dumps(named, default=str),
    )


def test_of_runs_of_one_moment_the_last_to_be_recorded_is_the_latest(tasks, sql):
    runs = [QAExecutionFactory(task=tasks[0], executed_at=FIRST) for _ in range(5)]

    assert LatestRun.objects.get().pk == runs[-1].pk
    assert sql(ASTRAY) == []


def test_turns_are_kept_one_run_after_the_other_and_all_at_once(tasks, sql):
    """Whether each run is the last to arrive, or all come in one statement, in any order."""
    marks = [(0, 0), (1, 1), (2, 2), (3, 2), (4, 0), (5, 2)]  # hour, passing of two
    for hour, passing in marks:
        insert(sql, [[tasks[0].pk, "a/", at(hour), passing]])
    insert(sql, [[tasks[1].pk, "a/", at(hour), passing] for hour, passing in marks[::-1]])
    for task in tasks:
        turns = SuiteTurn.objects.filter(task=task).order_by("arrived_at")
        assert [(turn.is_green, turn.since, turn.turned_at) for turn in turns] == [
            (True, at(0), at(2)),
            (False, at(2), at(4)),
            (True, at(4), at(5)),
        ]
    assert turns_kept() == turns_told()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO qa_suite_turns SELECT * FROM qa_suite_turns",
        "DELETE FROM qa_suite_turns",
        "INSERT INTO qa_latest_runs SELECT * FROM qa_latest_runs",
        "UPDATE qa_latest_runs SET qa_status = 'GREEN'",
        "DELETE FROM qa_latest_runs",
        "TRUNCATE qa_latest_runs",
    ],
)
def test_nobody_writes_what_is_kept(statement, tasks, sql, refuses):
    QAExecutionFactory(task=tasks[0])

    with refuses("governance_is_kept"):
        as_administrator(statement)
    assert sql(ASTRAY) == []


INSERT = """
    INSERT INTO qa_executions (task_id, qa_suite_location, arrived_at, total_tests,
        passing_tests, failing_tests, skipped_tests, qa_status)
    VALUES (%s, 'a/', %s, 1, 1, 0, 0, 'GREEN')
"""
DELETE = "DELETE FROM qa_executions WHERE arrived_at = %s"
MOVE = "UPDATE qa_executions SET arrived_at = %s WHERE arrived_at = %s"


RED = """
    INSERT INTO qa_executions (task_id, qa_suite_location, arrived_at, total_tests,
        passing_tests, failing_tests, skipped_tests, qa_status)
    VALUES (%s, 'a/', %s, 1, 0, 1, 0, 'RED')
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("hour", [5, 7], ids=["the older second", "the newer second"])
def test_of_two_runs_at_once_the_second_sees_the_first(hour, connect, sql):
    task = TaskFactory(state="completed")
    sql(INSERT, task.pk, at(0))

    errors = overlap(connect, [(RED, [task.pk, at(6)])], [(INSERT, [task.pk, at(hour)])])

    assert errors == (None, None)
    assert turns_kept() == turns_told()
    assert SuiteTurn.objects.count() == (1 if hour == 5 else 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turned", [False, True], ids=["as named", "turned round"])
@pytest.mark.parametrize("other", ["an older run", "its deletion", "its turning older"])
def test_of_what_comes_at_once_the_latest_is_kept(other, turned, connect, sql):
    task = TaskFactory(state="completed")
    for hour in (0, 4):
        sql(INSERT, task.pk, at(hour))
    newer = (INSERT, [task.pk, at(6)])
    beside = {
        "an older run": (INSERT, [task.pk, at(5)]),
        "its deletion": (DELETE, [at(4)]),
        "its turning older": (MOVE, [at(-1), at(4)]),
    }[other]

    beside = [(WITH_A_REASON, None), beside]
    errors = overlap(connect, *((beside, [newer]) if turned else ([newer], beside)))

    assert errors == (None, None)
    assert sql(ASTRAY) == []
    assert turns_kept() == turns_told()
    assert LatestRun.objects.get().arrived_at == at(6)
