"""A role that owns nothing and may write to every table: the rules hold for it too."""

import json
import secrets

import psycopg
import pytest
from django.db import ProgrammingError, connection
from django.utils import timezone

from foreman_office.access.attempts import Asker, count_attempt
from governance.models import Evidence, LatestRun, LoginAttempt, QAExecution
from governance.replay import Replay
from kit.runtime.database_addresses import ADMINISTRATOR, parameters_of
from programs.models import Task
from tests.conftest import rule_of
from tests.database import administrator
from tests.factories import (
    BlockerFactory,
    OfficeAbsenceFactory,
    QAExecutionFactory,
    TaskFactory,
)
from tests.scenes import make_ready, take_up

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other(transactional_db):
    """A connection whose role may write to every table and make temporary ones."""
    name = f"other_{secrets.token_hex(4)}"
    database, sql = connection.settings_dict["NAME"], administrator().execute
    sql(f"CREATE ROLE {name} NOLOGIN IN ROLE pg_read_all_data")  # which row level security lets in
    sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")
    sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
    sql(f'GRANT TEMPORARY ON DATABASE "{database}" TO {name}')
    writer = psycopg.connect(**parameters_of(ADMINISTRATOR), autocommit=True)
    writer.execute(f"SET SESSION AUTHORIZATION {name}")
    yield writer
    writer.close()
    sql(f'DROP OWNED BY {name}; REVOKE ALL ON DATABASE "{database}" FROM {name}; DROP ROLE {name}')


@pytest.fixture
def at_work(transactional_db):
    """A task in progress, whose last run is red."""
    task = make_ready()
    take_up(task)
    Task.objects.filter(pk=task.pk).update(evidence_location="s3://proof")
    return task


def refused(writer, *statements):
    """Run statements and return the rule that refused one of them, or None."""
    try:
        for statement in statements:
            query, params = (statement, None) if isinstance(statement, str) else statement
            writer.execute(query, params)
    except psycopg.errors.CheckViolation as error:
        return rule_of(error)
    except psycopg.errors.InsufficientPrivilege:
        return "privilege"
    return None


COMPLETE = "UPDATE public.tasks SET state = 'completed'"


def test_tables_of_its_own_are_not_what_the_gate_reads(at_work, other):
    for table in ("qa_executions", "qa_test_results", "qa_latest_runs", "evidence_trail"):
        other.execute(f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING DEFAULTS)")
    other.execute(
        "INSERT INTO qa_executions (execution_id, task_id, qa_suite_location, total_tests,"
        " passing_tests, failing_tests, skipped_tests, test_debt_count, qa_status, executed_at,"
        " arrived_at) SELECT gen_random_uuid(), task_id, qa_suite_location, 5, 5, 0, 0, 0, 'GREEN',"
        " now(), now() FROM public.tasks"
    )

    assert refused(other, COMPLETE) == "governance_tasks_gate"
    at_work.refresh_from_db()
    assert at_work.state == "in-progress"


def test_what_it_changes_leaves_evidence_whatever_tables_it_has(at_work, other):
    for table in ("evidence_trail", "blockers", "builders", "tasks", "waves"):
        other.execute(f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING DEFAULTS)")
    before = Evidence.objects.count()

    assert refused(other, "UPDATE public.tasks SET name = 'Another'") is None
    assert Evidence.objects.count() == before + 1
    assert Evidence.objects.latest("sequence").witnessed
    assert other.execute("SELECT count(*) FROM evidence_trail").fetchone() == (0,)
    assert Replay().first_difference() is None


def test_a_blocker_that_it_hides_still_blocks(at_work, other):
    BlockerFactory(entity=at_work)
    other.execute("CREATE TEMP TABLE blockers (LIKE public.blockers INCLUDING DEFAULTS)")

    assert (
        refused(other, "UPDATE public.tasks SET state = 'in-progress'") == "governance_tasks_gate"
    )


def test_a_schema_of_its_own_on_the_path_changes_nothing(at_work, other):
    sql = administrator().execute
    (name,) = other.execute("SELECT current_user").fetchone()
    sql(f"CREATE SCHEMA theirs AUTHORIZATION {name}")
    try:
        other.execute(
            "CREATE FUNCTION theirs.programs_is_forced() RETURNS boolean LANGUAGE sql"
            " AS 'SELECT true'"
        )
        other.execute(
            "CREATE FUNCTION theirs.programs_is_history() RETURNS boolean LANGUAGE sql"
            " AS 'SELECT true'"
        )
        other.execute("SET search_path = theirs, public, pg_catalog")
        assert refused(other, COMPLETE) == "governance_tasks_gate"
    finally:
        other.execute("RESET search_path")
        sql("DROP SCHEMA theirs CASCADE")


FORGE = """
    CREATE FUNCTION pg_temp.forge() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE TG_ARGV[0];
        RETURN NULL;
    END $$
"""


def through_a_trigger(other, statement):
    """Run a statement in a trigger on a temporary table, and return the rule that refused it."""
    other.execute("DROP TABLE IF EXISTS pg_temp.bait")
    other.execute("CREATE TEMP TABLE bait (n integer)")
    other.execute(FORGE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    argument = statement.replace("'", "''")
    other.execute(
        "CREATE TRIGGER forge AFTER INSERT ON bait FOR EACH ROW"
        f" EXECUTE FUNCTION pg_temp.forge('{argument}')"
    )
    return refused(other, "INSERT INTO bait VALUES (1)")


def test_it_cannot_make_evidence_that_counts_as_witnessed_nor_choose_its_time(at_work, other):
    told = (
        "INSERT INTO public.evidence_trail"
        " (entity_type, entity_id, action, actor, witnessed, timestamp, sequence)"
        f" VALUES ('task', '{at_work.pk}', 'approved_by_board', 'foreman', true, '2020-01-01', 1)"
    )
    last = Evidence.objects.latest("sequence").sequence

    for tell in (lambda: refused(other, told), lambda: through_a_trigger(other, told)):
        assert tell() is None
    context = """SET foreman.context = '{"import": "x"}'"""
    assert refused(other, context, told) is None

    forged = Evidence.objects.filter(action="approved_by_board")
    assert [row.witnessed for row in forged] == [False] * 3
    assert {row.timestamp.year for row in forged} == {
        Evidence.objects.latest("sequence").timestamp.year
    }
    assert min(row.sequence for row in forged) > last


def test_it_cannot_use_the_trails_own_functions_on_tables_of_its_own(other):
    other.execute("CREATE TEMP TABLE bait (n integer)")
    trigger = "CREATE TRIGGER t AFTER INSERT ON bait FOR EACH ROW EXECUTE FUNCTION {}()"
    for function in (
        "public.governance_token_evidence",
        "public.governance_follow_test_results",
        "public.governance_keep_latest_runs",
        "public.governance_evidence",
        "public.builders_heartbeats_apply",
    ):
        assert refused(other, trigger.format(function)) == "privilege", function
    for call in ("programs_open_import()", "governance_record_evidence(gen_random_uuid())"):
        assert refused(other, f"SELECT public.{call}") == "privilege", call


def test_what_triggers_keep_is_written_by_nobody_else(at_work, other):
    QAExecutionFactory(task=at_work, passing_tests=0, failing_tests=5)
    forge = "UPDATE public.qa_latest_runs SET qa_status = 'GREEN'"

    assert refused(other, forge) == "governance_is_kept"
    assert through_a_trigger(other, forge) == "governance_is_kept"
    assert {*LatestRun.objects.values_list("qa_status", flat=True)} == {"RED"}


def test_the_time_of_the_last_work_stays_what_was_measured(at_work, other):
    before = Task.objects.get().worked_at
    earlier = "UPDATE public.tasks SET worked_at = '2020-01-01', work_received_at = '2020-01-01'"

    assert refused(other, earlier) is None
    assert through_a_trigger(other, earlier) is None
    assert Task.objects.get().worked_at == before


def test_progress_that_it_sets_in_a_trigger_is_evidence_too(at_work, other):
    assert through_a_trigger(other, "UPDATE public.tasks SET progress_percentage = 99") is None

    assert Evidence.objects.latest("sequence").context["changes"] == {
        "progress_percentage": [10, 99]
    }


@pytest.mark.parametrize("state", ["completed", "in-progress"])
def test_an_import_that_it_declares_moves_nothing(state, other):
    TaskFactory(state="planned")
    declare = ("SELECT set_config('foreman.context', %s, false)", [json.dumps({"import": "x"})])

    assert refused(other, declare, f"UPDATE public.tasks SET state = '{state}'") is not None
    assert Task.objects.get().state == "planned"


def test_an_import_is_not_opened_by_writing_to_its_table(other):
    opened = "INSERT INTO public.import_transactions VALUES (pg_current_xact_id()::text::bigint)"
    assert refused(other, opened) == "programs_imports_are_opened"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE public.qa_executions SET qa_status = 'GREEN', passing_tests = 5, failing_tests = 0",
        "DELETE FROM public.qa_executions",
        "DELETE FROM public.architecture_validations",
        "UPDATE public.architecture_validations SET validated_by = 'x'",
    ],
)
def test_proof_is_not_changed_without_a_reason(change, at_work, other):
    assert refused(other, change) == "governance_proof_reason"
    reason = """SET foreman.context = '{"reason": "I say so"}'"""
    assert refused(other, reason, change) is None
    assert Evidence.objects.latest("sequence").context["reason"] == "I say so"


def test_no_run_lies_ahead(at_work, other):
    insert = (
        "INSERT INTO public.qa_executions (task_id, qa_suite_location, executed_at, total_tests,"
        " passing_tests, failing_tests, skipped_tests) SELECT task_id, qa_suite_location,"
        " '2100-01-01', 5, 5, 0, 0 FROM public.tasks"
    )
    assert refused(other, insert) is None
    assert QAExecution.objects.latest("executed_at").executed_at.year < 2100
    ahead = (
        "INSERT INTO public.architecture_validations (task_id, architecture_reference, pass_rate,"
        " validated_at) SELECT task_id, architecture_reference, 100, '2100-01-01'"
        " FROM public.tasks"
    )
    assert refused(other, ahead) == "governance_proof_not_ahead"


def declared(**settings):
    return [
        ("SELECT set_config(%s, %s, false)", [f"foreman.{name}", value])
        for name, value in settings.items()
    ]


@pytest.mark.parametrize("context", ['["x"]', '"x"', "7", "null", '["import"]'])
def test_a_context_that_is_no_object_hides_no_override(context, at_work, other):
    settings = declared(context=context, override="because")

    assert refused(other, *settings, COMPLETE) == "governance_actor"
    assert Task.objects.get().state == "in-progress"


@pytest.mark.parametrize("context", ["[]", "7", "null"])
def test_evidence_that_it_adds_has_an_object_as_context(context, at_work, other):
    told = (
        "INSERT INTO public.evidence_trail (entity_type, entity_id, action, actor, context)"
        f" VALUES ('task', '{at_work.pk}', 'x', 'foreman', '{context}')"
    )
    assert refused(other, told) == "governance_evidence_trail_witnessed"


def test_blanks_are_no_reason_for_an_override(at_work, other):
    assert refused(other, *declared(override=" \t\n"), COMPLETE) == "governance_tasks_gate"
    settings = declared(override="", context='{"reason": "\\n\\t"}')
    change = "DELETE FROM public.architecture_validations"
    assert refused(other, *settings, change) == "governance_proof_reason"


def test_what_the_trail_itself_says_is_not_declared(at_work, other):
    forged = {"from": "in-progress", "to": "blocked", "changes": {}, "snapshot": {}}
    hidden = {"import": "x", "override": "x", "record": {"kind": "task"}, "said": "y"}
    settings = declared(context=json.dumps(forged | hidden))

    assert refused(other, *settings, "UPDATE public.tasks SET name = 'Another'") is None
    assert Evidence.objects.latest("sequence").context == {
        "changes": {"name": [at_work.name, "Another"]},
        "said": "y",
    }


def test_a_task_does_not_return_to_a_state_that_it_never_had(other):
    task = TaskFactory(state="planned", assigned_builder=None)
    blocker = BlockerFactory(entity=task)
    forged = declared(context='{"from": "in-progress", "to": "blocked"}')

    assert refused(other, *forged, "UPDATE public.tasks SET name = 'Another'") is None
    blocker.resolution_action, blocker.resolved_at = "done", timezone.now()
    blocker.save()
    task.refresh_from_db()
    assert task.state == "planned"


@pytest.mark.parametrize("results", ["[1]", "7", "null"])
def test_the_results_of_a_validation_are_an_object(results, at_work, other):
    insert = (
        "INSERT INTO public.architecture_validations (task_id, architecture_reference, pass_rate,"
        f" validation_results) SELECT task_id, architecture_reference, 100, '{results}'"
        " FROM public.tasks"
    )
    assert refused(other, insert) == "governance_number_validation"


def test_no_absence_is_made_up_that_would_excuse_silence(at_work, other):
    OfficeAbsenceFactory()
    rule = "builders_absences_are_noted"
    span = "VALUES (now() - interval '1 hour', now())"
    assert refused(other, f"INSERT INTO office_absences (began_at, ended_at) {span}") == rule
    assert refused(other, "UPDATE office_absences SET ended_at = now()") == rule
    assert refused(other, "DELETE FROM office_absences") == rule


def test_the_office_itself_makes_up_no_absence(sql):
    with pytest.raises(ProgrammingError, match="permission denied"):
        sql("INSERT INTO office_absences (began_at, ended_at) VALUES (now(), now())")


def test_a_blocker_goes_for_a_reason_alone(at_work, other):
    BlockerFactory(entity=at_work)
    assert refused(other, "DELETE FROM public.blockers") == "governance_proof_reason"
    at_work.refresh_from_db()
    assert at_work.state == "blocked"
    settings = declared(context='{"reason": "raised by mistake"}')
    assert refused(other, *settings, "DELETE FROM public.blockers") is None
    gone = Evidence.objects.filter(action="blocker_deleted").latest("sequence")
    assert gone.context["reason"] == "raised by mistake"


def test_locks_that_anybody_may_take_keep_nobody_out(client, at_work, connect):
    """Advisory locks need no right: an office of before waited for ten seconds, or for ever."""
    stranger = connect()
    key = "SELECT pg_advisory_lock(%s, hashtext(%s))"
    asker = Asker("127.0.0.1", "x")
    stranger.execute(key, [0x10619, asker.address + asker.name])
    stranger.execute("SELECT pg_advisory_lock(hashtextextended(program_id::text, 0)) FROM programs")
    count_attempt(asker)
    assert LoginAttempt.objects.count() == 1
