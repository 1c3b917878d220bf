"""Every governed table is told by the trail, the single tests of runs by their digest."""

import json
from types import SimpleNamespace

import pytest

from builders.actions import issue_ci_token, issue_token
from governance.actions import record_qa_execution
from governance.models import Evidence, QATestResult
from governance.replay import Replay
from governance.replayed_tables import replayed_tables
from kit.core.acts import act
from programs.models import Program
from tests.database import as_administrator, without_triggers
from tests.factories import (
    ArchitectureValidationFactory,
    BudgetFactory,
    BuilderPauseFactory,
    CompletionClaimFactory,
    EntityNoteFactory,
    GovernanceViolationFactory,
    PlanNoteFactory,
    ProgramFactory,
    QAExecutionFactory,
    QuestionFactory,
    TaskLinkFactory,
    TaskNoteFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(task, builder):
    """One row of each table that is replayed beside the plan, changed as it may be."""
    red = record_qa_execution(
        task, passing=0, failing=2, results=told("a <object at 0x7f0100aa00>", "b"), by=None
    )
    ArchitectureValidationFactory(task=task)
    CompletionClaimFactory(task=task, builder=builder)
    BuilderPauseFactory(builder=builder)
    PlanNoteFactory(program=task.wave.program)
    QuestionFactory()
    BudgetFactory()
    TaskLinkFactory(task=task)
    TaskNoteFactory(task=task)
    EntityNoteFactory(wave=task.wave)
    GovernanceViolationFactory(task=task, resolution="Repaired.")
    issue_token(builder, by=None)
    other = ProgramFactory()
    issue_ci_token("pipeline", programs=Program.objects.values_list("pk", flat=True), by=None)
    assert other.pk
    return red


@pytest.fixture
def tamper(db):
    """Change rows with every trigger off, as no writer should."""

    def tamper(statement, *params):
        with without_triggers():
            as_administrator(statement, *params)

    return tamper


def told(*names, outcome="failed"):
    """Return tests as a report names them."""
    return [
        SimpleNamespace(name=name, outcome=outcome, message=None, flaky=False, is_test=True)
        for name in names
    ]


def differences():
    return Replay().first_differences()


def test_every_table_that_triggers_watch_is_replayed(sql):
    watched = sql(
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger"
        " WHERE tgfoid IN (SELECT oid FROM pg_proc WHERE prosrc LIKE ANY (%s))",
        ["%INSERT INTO evidence_trail%", "%INSERT INTO office_log%"],
    )
    tested = {("qa_test_results",), ("qa_paired_tests",)}  # by the digest of their run
    tested |= {("evidence_keys",)}  # by what they have signed
    # Of these the office log tells who set or acknowledged what; the rest is upkeep of its own.
    tested |= {("notices",), ("notification_channels",), ("notification_rules",)}
    tested |= {("handover_readings",)}
    assert {(table.table,) for table in replayed_tables()} | tested == set(watched)


def test_an_office_with_a_row_in_each_table_replays(office):
    replay = Replay()
    assert replay.first_differences() == []
    assert not replay.not_compared


@pytest.mark.parametrize(
    ("table", "change", "entity", "column"),
    [
        ("qa_executions", "total_tests = 3, failing_tests = 3", "qa run", "total_tests"),
        ("qa_test_results", "outcome = 'passed'", "qa run", "results"),
        ("architecture_validations", "validated_by = 'qa-builder'", "validation", "validated_by"),
        ("governance_violations", "description = 'none'", "violation", "description"),
        ("completion_claims", "accepted = true", "claim", "accepted"),
        ("builder_pauses", "reason = 'none'", "pause", "reason"),
        ("plan_notes", "note = 'none'", "plan note", "note"),
        ("budgets", "amount = 1", "budget", "amount"),
        ("task_links", "url = 'http://x'", "link", "url"),
        ("task_notes", "text = 'x'", "note", "text"),
        ("entity_notes", "withdrawn_because = 'x'", "entity note", "withdrawn_because"),
        ("task_questions", "answer = 'no', answered_at = now()", "question", "answer"),
        ("builder_tokens", "revoked_at = '2026-01-01'", "token", "revoked_at"),
        ("builder_tokens", r"digest = '\x01'", "token", "digest_sha256"),
        ("ci_tokens", "program_ids = NULL", "ci token", "program_ids"),
        ("ci_tokens", r"digest = '\x01'", "ci token", "digest_sha256"),
    ],
)
def test_a_row_changed_behind_the_trail_is_found(office, tamper, table, change, entity, column):
    tamper(f"UPDATE {table} SET {change}")
    [found] = differences()
    assert found.entity.rpartition(" ")[0] == entity
    assert found.column == column
    assert found.sequence


@pytest.mark.parametrize(
    "table",
    [
        *("qa_executions", "qa_test_results", "architecture_validations", "governance_violations"),
        *(
            "task_questions",
            "budgets",
            "task_links",
            "task_notes",
            "entity_notes",
            "completion_claims",
            "builder_pauses",
            "plan_notes",
            "builder_tokens",
            "ci_tokens",
        ),
    ],
)
def test_rows_removed_behind_the_trail_are_found(office, tamper, table):
    tamper(f"DELETE FROM {table}")
    assert len(differences()) == 1


def test_the_first_difference_of_each_table_is_named(office, tamper):
    tamper("UPDATE completion_claims SET accepted = true")
    tamper("UPDATE plan_notes SET note = 'none'")
    tamper("UPDATE tasks SET state = 'completed'")
    assert [found.entity.rpartition(" ")[0] for found in differences()] == [
        *("task", "claim", "plan note"),
    ]


# --- the tests of a run ---------------------------------------------------------------------------


def test_the_evidence_of_a_run_holds_a_digest_of_its_tests(office, task, sql):
    [recorded] = Evidence.objects.of(task).filter(action__startswith="qa_run")
    [(now,)] = sql("SELECT governance_run_results(%s)::text", office.pk)
    assert recorded.context["results"] == json.loads(now)
    assert recorded.context["results"]["tests"] == 2


def test_the_digest_is_the_same_in_every_session(office, sql):
    ask = "SELECT governance_run_results(%s)"
    usual = sql(ask, office.pk)
    for hostile in ("DateStyle = 'SQL, DMY'", "extra_float_digits = -3", "bytea_output = 'escape'"):
        sql(f"SET LOCAL {hostile}")
    assert sql(ask, office.pk) == usual


def test_tests_that_another_writer_adds_with_a_run_are_told(task):
    run = QAExecutionFactory(task=task)
    run.results.create(name="a", outcome="passed")
    assert Evidence.objects.of(task).latest("sequence").action == "qa_run_tests_recorded"
    assert differences() == []


def test_passed_tests_may_be_thinned_for_a_reason(office, tamper):
    with act(None, reason="A year has passed."):
        QATestResult.objects.filter(name="b").delete()
    assert differences() == []
    tamper("UPDATE qa_test_results SET name = 'a'")
    assert differences()[0].column == "results"


def test_tests_that_have_another_name_are_in_the_digest(office, task, tamper, sql):
    now = told("a <object at 0x7f0200bb00>", "b", outcome="passed")
    record_qa_execution(task, passing=2, failing=0, results=now, by=None)
    assert sql("SELECT count(*) FROM qa_paired_tests") == [(1,)]
    assert differences() == []
    tamper("UPDATE qa_paired_tests SET rule = 'none'")
    assert differences()[0].column == "results"


def test_a_run_from_before_there_were_digests_is_counted_and_no_difference(office, tamper):
    tamper("UPDATE evidence_trail SET context = context - 'results'")
    tamper("UPDATE evidence_trail SET context = context #- '{snapshot,digest_sha256}'")
    replay = Replay()
    assert replay.first_differences() == []
    assert replay.not_compared == {
        ("qa run", "results"): 1,
        ("token", "digest_sha256"): 1,
        ("ci token", "digest_sha256"): 1,
    }


def test_what_is_replayed_does_not_depend_on_the_triggers_in_the_database(office, tamper):
    as_administrator("DROP TRIGGER governance_evidence_updated ON tasks")
    as_administrator("UPDATE tasks SET name = 'Another'")
    assert differences()[0].column == "name"
