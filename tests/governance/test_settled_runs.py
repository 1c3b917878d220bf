"""What the database makes of a run, whoever writes it: status, times, order, bounds."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from governance.models import ArchitectureValidation, Evidence, LatestRun, QAExecution
from governance.quality import certificate, latest_run, previous_run
from kit.core.acts import act
from kit.core.bounds import MAX_INDEXED_BYTES
from programs.history import recording
from programs.models import Task
from tests.database import without_triggers
from tests.factories import ArchitectureValidationFactory, QAExecutionFactory, TaskFactory
from tests.scenes import past_the_rules

pytestmark = pytest.mark.django_db

RUN = """
    INSERT INTO qa_executions (task_id, qa_suite_location, total_tests, passing_tests,
        failing_tests, skipped_tests {columns})
    VALUES (%s, 'tests/escalation/', 2, 2, 0, 0 {values})
    RETURNING execution_id, qa_status, executed_at = now(), arrived_at = now(),
        now() - executed_at
"""


@pytest.fixture
def insert(task, sql):
    """Write a run of two passing tests past every model, with more columns as SQL."""

    def insert(**more):
        columns = "".join(f", {name}" for name in more)
        values = "".join(f", {value}" for value in more.values())
        ((*row,),) = sql(RUN.format(columns=columns, values=values), task.pk)
        return row

    return insert


def test_a_status_that_is_left_out_is_what_the_run_says(insert):
    assert insert()[1] == "GREEN"
    assert insert(against="""'["The suite itself failed."]'""")[1] == "PARTIAL"
    assert insert(test_debt_count="1")[1] == "PARTIAL"


@pytest.mark.parametrize("status", ["GREEN", "RED"])
def test_whoever_says_another_status_is_refused(insert, refuses, status):
    with refuses("qa_executions_status_follows_run"):
        insert(against="""'["The suite itself failed."]'""", qa_status=f"'{status}'")


def test_a_green_run_cannot_be_called_partial(insert, refuses):
    with refuses("qa_executions_status_follows_run"):
        insert(qa_status="'PARTIAL'")


@pytest.mark.parametrize("against", ["""'{}'""", """'"no"'""", """'[1]'""", """'[""]'"""])
@pytest.mark.parametrize("column", ["against", "remarks"])
def test_what_speaks_against_a_run_is_a_list_of_sentences(insert, refuses, column, against):
    with refuses("qa_executions_sentences"):
        insert(**{column: against})


def test_no_more_was_never_a_test_than_there_is(insert, refuses):
    with refuses("qa_executions_never_tests_check"):
        insert(never_tests="3")


def test_the_status_follows_what_is_corrected(insert, sql):
    key = insert()[0]
    with act(None, reason="A correction."):
        sql("UPDATE qa_executions SET against = '[\"It broke.\"]' WHERE execution_id = %s", key)
    assert QAExecution.objects.get().qa_status == "PARTIAL"
    with act(None, reason="A correction."):
        sql("UPDATE qa_executions SET against = '[]' WHERE execution_id = %s", key)
    assert QAExecution.objects.get().qa_status == "GREEN"
    assert LatestRun.objects.get().qa_status == "GREEN"


@given(
    passing=st.integers(0, 3),
    failing=st.integers(0, 2),
    skipped=st.integers(0, 2),
    debt=st.integers(0, 1),
    against=st.lists(st.sampled_from(["The suite itself failed.", "It ended with 1."]), max_size=2),
)
def test_whatever_a_run_says_its_status_is_the_one_that_may_be_stored(
    passing, failing, skipped, debt, against
):
    with transaction.atomic():
        run = QAExecutionFactory(
            passing_tests=passing,
            failing_tests=failing,
            skipped_tests=skipped,
            test_debt_count=debt,
            against=against,
        )
        green = passing and not (failing or skipped or debt or against)
        assert run.qa_status == ("GREEN" if green else "PARTIAL" if passing else "RED")
        transaction.set_rollback(True)


# --- times and order ------------------------------------------------------------------------------


def test_a_run_of_which_no_time_is_told_was_made_when_it_came(insert):
    assert insert()[2:4] == [True, True]


def test_a_run_is_never_ahead_of_the_offices_clock(insert):
    for told in ("ended_at", "executed_at"):
        assert insert(**{told: "now() + interval '1 hour'"})[2:4] == [True, True]


def test_a_run_was_made_when_its_sender_says_that_it_ended(insert):
    assert insert(ended_at="now() - interval '5 months'")[4] > timedelta(days=140)


def test_without_a_zone_only_more_than_a_day_is_believed(insert):
    unknown = {"ended_zone_known": "false"}
    assert insert(ended_at="now() - interval '20 hours'", **unknown)[4] == timedelta()
    assert insert(ended_at="now() - interval '2 days'", **unknown)[4] == timedelta(days=2)


def test_nothing_arrives_in_the_future(insert):
    assert insert(arrived_at="now() + interval '1 day'")[3] is True


def test_runs_of_one_moment_keep_the_order_in_which_they_were_recorded(insert, task):
    keys = [insert()[0] for _ in range(8)]
    assert latest_run(task).pk == LatestRun.objects.get().pk == keys[-1]
    assert previous_run(latest_run(task)).pk == keys[-2]
    in_order = QAExecution.objects.order_by("arrived_at", "recorded")
    assert list(in_order.values_list("pk", flat=True)) == keys


def test_the_order_cannot_be_written(insert, sql):
    first, second = insert(recorded="10000000")[0], insert()[0]
    with act(None, reason="A correction."):
        sql("UPDATE qa_executions SET recorded = 20000000 WHERE execution_id = %s", first)
    assert list(QAExecution.objects.order_by("recorded").values_list("pk", flat=True)) == [
        first,
        second,
    ]


def test_validations_of_one_moment_keep_their_order(task, sql):
    at = "2026-01-08T10:00:00Z"
    for rate, verdict in ((100, "READY"), (50, "NOT_READY")) * 3:
        ArchitectureValidationFactory(
            task=task, validated_at=at, pass_rate=rate, build_readiness=verdict
        )
    told = sql("SELECT met, detail FROM governance_architecture_ready(%s)", task.pk)
    assert told == [(False, "architecture/escalation.md: NOT READY at 50.00 %.")]
    numbers = ArchitectureValidation.objects.order_by("recorded").values_list("pass_rate")
    assert [int(rate) for (rate,) in numbers] == [100, 50] * 3


def test_history_keeps_its_times(task, sql):
    with recording({"file": "plan.yaml"}), connection.cursor() as cursor:
        cursor.execute(
            RUN.format(columns=", executed_at, arrived_at", values=", '2026-01-08', NULL"),
            [task.pk],
        )
    run = QAExecution.objects.get()
    assert run.executed_at == run.arrived_at
    assert run.executed_at.year == 2026


# --- bounds ---------------------------------------------------------------------------------------

LONG = "路" * 700


def test_no_suite_and_no_name_is_longer_than_an_index_takes(insert, sql, refuses):
    assert len(LONG.encode()) > MAX_INDEXED_BYTES
    key = insert()[0]
    with refuses("qa_executions_qa_suite_location_fits_index"), act(None, reason="A correction."):
        sql("UPDATE qa_executions SET qa_suite_location = %s", LONG)
    with refuses("qa_test_results_name_fits_index"):
        sql(
            "INSERT INTO qa_test_results (execution_id, name, outcome) VALUES (%s, %s, 'passed')",
            key,
            LONG,
        )


@pytest.mark.parametrize("column", ["programs.name", "tasks.qa_suite_location"])
def test_what_is_too_long_is_refused_where_it_is_written_and_may_stay_where_it_was(
    task, sql, refuses, column
):
    table, name = column.split(".")
    with refuses("programs_fits_index"):
        sql(f"UPDATE {table} SET {name} = %s", LONG)
    with without_triggers():  # from before there was a bound
        sql(f"UPDATE {table} SET {name} = %s", LONG)
    sql(f"UPDATE {table} SET progress_percentage = 3")
    assert sql(f"SELECT octet_length({name}) FROM {table}") == [(2100,)]


def test_2_000_bytes_fit_whatever_they_are(task, insert, sql):
    """Random text, which nothing makes shorter."""
    name = "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(666))
    Task.objects.filter(pk=task.pk).update(qa_suite_location=name)
    run = QAExecutionFactory(task=task, qa_suite_location=name)
    run.results.create(name=name, outcome="passed")
    assert LatestRun.objects.get().qa_suite_location == name


# --- edited by hand -------------------------------------------------------------------------------


@pytest.fixture
def proven(task):
    """A completed task: a test that failed, and passes."""
    red = QAExecutionFactory(task=task, passing_tests=0, failing_tests=1)
    red.results.create(name="a", outcome="failed")
    green = QAExecutionFactory(task=task, passing_tests=1)
    green.results.create(name="a", outcome="passed")
    with act(None, override="a scene"):
        Task.objects.filter(pk=task.pk).update(state=Task.State.COMPLETED)
    task.refresh_from_db()
    return task


def test_what_was_recorded_and_left_alone_is_not_edited(proven):
    found = certificate(proven)
    assert (found.by_name, found.edited, found.clean) == (True, False, True)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE qa_executions SET execution_time_ms = 3",
        "UPDATE qa_test_results SET message = 'x'",
        "DELETE FROM qa_test_results WHERE outcome = 'passed'",
    ],
)
def test_a_run_or_its_tests_changed_after_recording_are_edited_by_hand(proven, sql, refuses, edit):
    with refuses("governance_proof_reason"):
        sql(edit)
    assert not certificate(proven).edited
    with act(None, reason="A correction."):
        sql(edit)
    assert certificate(proven).edited


@pytest.mark.django_db(transaction=True)
def test_tests_that_are_added_later_are_evidence_and_those_of_the_recording_are_not(builder):
    task = TaskFactory()
    with transaction.atomic():
        run = QAExecutionFactory(task=task)
        run.results.create(name="a", outcome="passed")
    edits = Evidence.objects.of(task).filter(action="qa_run_tests_edited")
    assert not edits.exists()

    with act(builder):
        run.results.create(name="b", outcome="passed")
    edit = edits.get()
    assert (edit.actor, edit.witnessed) == (builder.pk, True)
    assert edit.context["snapshot"] == {"execution_id": str(run.pk)}


def test_a_red_run_without_names_is_certified_by_counts(task):
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=2)
    QAExecutionFactory(task=task, passing_tests=2)
    with act(None, override="a scene"):
        Task.objects.filter(pk=task.pk).update(state=Task.State.COMPLETED)
    task.refresh_from_db()
    found = certificate(task)
    assert (found.by_name, found.clean) == (False, True)


def test_what_was_never_a_test_is_no_goalpost_in_counts_either(task, sql):
    red = QAExecutionFactory(task=task, passing_tests=0, failing_tests=3, never_tests=1)
    green = QAExecutionFactory(task=task, passing_tests=2)
    moved = "SELECT * FROM governance_moved_goalposts(%s, %s)"
    assert sql(moved, red.pk, green.pk) == []
    with act(None, reason="A correction."):
        sql("UPDATE qa_executions SET never_tests = 0 WHERE execution_id = %s", red.pk)
    assert sql(moved, red.pk, green.pk) == [("1 of 3 tests", "removed")]


# --- whether a run is newer than the work ---------------------------------------------------------

minutes = st.integers(-30, 30)


@given(
    worked=minutes, sent=st.none() | minutes, came=minutes, made=st.none() | st.integers(-400, 30)
)
def test_a_run_that_came_before_the_work_or_was_made_long_before_it_never_proves_it(
    worked, sent, came, made
):
    """Minutes around an hour ago: of the work, by its own clock, of the run, and by its clock."""
    with transaction.atomic(), connection.cursor() as cursor:
        task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
        hour_ago = now() - timedelta(hours=1)

        def at(minute):
            return hour_ago + timedelta(minutes=minute)

        received = at(worked)
        stamped = received if sent is None else received + timedelta(minutes=sent)
        past_the_rules(task, worked_at=stamped, work_received_at=received)
        ended = None if made is None else at(made)
        QAExecutionFactory(
            task=task, executed_at=ended or at(came), ended_at=ended, arrived_at=at(came)
        )
        cursor.execute("SELECT met FROM governance_run_newer_than_work(%s)", [task.pk])
        (met,) = cursor.fetchone()
        both_told = sent not in (None, 0) and ended is not None
        if not both_told:
            assert met or not (came > worked and (made is None or made >= worked))
            assert not (met and came <= worked)
        lag = max(received - stamped, timedelta())
        if ended and ended < min(received, stamped) - timedelta(minutes=16) - lag:
            assert not met
        transaction.set_rollback(True)
