"""What surprises in row level security, each as it was seen when it was tried for the office."""

import psycopg
import pytest
from django.db import connection
from psycopg import errors

from kit.runtime import backup
from kit.runtime.database_addresses import OWNER, UPKEEP, acting_as, user_of
from programs.models import Program
from tests.database import administrator
from tests.factories import WaveFactory
from tests.organisations.conftest import SET_ORGANISATION, member_of, member_session

pytestmark = pytest.mark.django_db(transaction=True)
BEAT = "INSERT INTO heartbeats (builder_id, task_id, status) VALUES (%s, %s, 'active')"
PROGRAM = """
    INSERT INTO programs (program_id, name, description, objectives, state)
    VALUES (gen_random_uuid(), %s, '', '[]', 'planned')
"""


def refused(session, statement, *params):
    """Return the error with which the database refuses a statement, as if it had not been run."""
    with pytest.raises(psycopg.Error) as error, session.transaction():
        session.execute(statement, params)
    return error.value


def close_a_circle(three, second):
    with member_of(three.a) as session:
        session.execute(
            "UPDATE waves SET dependencies = jsonb_build_array(%s::text) WHERE wave_id = %s",
            [str(second.pk), three.a.wave.pk],
        )
        session.execute(SET_ORGANISATION, [str(three.b.id)])


def test_a_circle_is_refused_also_if_the_organisation_changes_before_the_end(three):
    second = WaveFactory(program=three.a.program, dependencies=[str(three.a.wave.pk)])
    with pytest.raises(errors.CheckViolation, match="form a cycle"):
        close_a_circle(three, second)


def test_without_an_organisation_every_question_fails_and_says_why(three):
    with member_of(three.a) as session:
        session.execute("SELECT count(*) FROM programs")
        for empty in ("", None):
            session.execute("SELECT set_config('foreman.organisation', %s, true)", [empty])
            for table in ("programs", "tasks", "evidence_trail", "heartbeats"):
                error = refused(session, f"SELECT count(*) FROM {table}")
                assert isinstance(error, errors.InsufficientPrivilege)
                assert "foreman.organisation is not set" in str(error)
        assert isinstance(refused(session, PROGRAM, "unowned"), errors.InsufficientPrivilege)


def test_set_and_read_in_one_statement_is_never_an_empty_office(three):
    with member_of(three.a) as session:
        session.execute("SELECT set_config('foreman.organisation', '', true)")
        # Which is first is the planner's to say: it fails, or it finds what there is.
        try:
            found = session.execute(
                "WITH s AS MATERIALIZED (SELECT set_config('foreman.organisation', %s, true))"
                " SELECT count(*) FROM programs, s",
                [str(three.a.id)],
            ).fetchone()
        except psycopg.errors.InsufficientPrivilege as error:
            found = str(error).partition(" in this")[0]
        assert found in ((1,), "foreman.organisation is not set")


def test_a_name_of_another_organisation_is_taken_and_no_more_is_said(three):
    with member_of(three.a) as session:
        error = refused(session, PROGRAM, three.b.program.name)
        assert error.diag.constraint_name == "programs_name_key"
        assert error.diag.message_detail is None
        nothing = PROGRAM + " ON CONFLICT DO NOTHING"
        assert session.execute(nothing, [three.b.program.name]).rowcount == 0


def test_what_is_another_organisations_is_answered_like_what_is_nowhere(three):
    nowhere = "00000000-0000-4000-8000-000000000000"
    with member_of(three.a) as session:
        for statement in (
            BEAT,
            "INSERT INTO task_notes (note_id, text, written_by, written_at, withdrawn_by,"
            " withdrawn_because, task_id) VALUES (gen_random_uuid(), %s, '', now(), '', '', %s)",
        ):
            seen = [
                refused(session, statement, three.a.builder.pk, task)
                for task in (three.b.task.pk, nowhere)
            ]
            assert {error.sqlstate for error in seen} == {"23503"}, statement
            first, second = (str(error.diag.message_primary)[:-37] for error in seen)
            assert first == second
        for table, key in (("tasks", "task_id"), ("programs", "program_id")):
            of = getattr(three.b, table.removesuffix("s")).pk
            changed = session.execute(f"UPDATE {table} SET name = 'x' WHERE {key} = %s", [of])
            assert changed.rowcount == 0
            locked = session.execute(f"SELECT FROM {table} WHERE {key} = %s FOR UPDATE", [of])
            assert locked.fetchall() == []


def test_a_setting_is_over_with_its_transaction_and_is_empty_then(three):
    with member_of(three.a) as session:
        with session.transaction(force_rollback=True):
            session.execute(SET_ORGANISATION, [str(three.b.id)])
        names = session.execute("SELECT name FROM programs").fetchall()
        assert (three.a.program.name,) in names
    with member_session() as session:
        with session.transaction():
            session.execute(SET_ORGANISATION, [str(three.a.id)])
        setting = "SELECT current_setting('foreman.organisation', true)"
        assert session.execute(setting).fetchone() == ("",)
        assert "is not set" in str(refused(session, "TABLE programs"))


def test_members_cannot_turn_the_policies_off(three):
    with member_of(three.a) as session:
        for statement in (
            "ALTER TABLE programs DISABLE ROW LEVEL SECURITY",
            "DROP POLICY org_isolation ON programs",
            "TRUNCATE heartbeats",
            "COPY tasks FROM STDIN",
            "SELECT * FROM auth_user",
            "SELECT * FROM office_sessions",
            "INSERT INTO import_transactions VALUES (1)",
            "UPDATE evidence_trail SET actor = actor",
            "SELECT last_value FROM evidence_trail_sequence_seq",
            f"LISTEN x; SET ROLE {user_of(OWNER)}",
        ):
            assert refused(session, statement).sqlstate in ("42501", "0A000"), statement
        session.execute("SET LOCAL row_security = off")
        assert "would be affected by row-level security" in str(refused(session, "TABLE programs"))


def test_a_plan_made_for_one_organisation_answers_another_rightly(three):
    with member_of(three.a) as session:
        session.execute("PREPARE names AS SELECT name FROM tasks ORDER BY name")
        session.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        mine = session.execute("EXECUTE names").fetchall()
        session.execute(SET_ORGANISATION, [str(three.b.id)])
        theirs = session.execute("EXECUTE names").fetchall()
        assert (mine[0], theirs[0]) == (("spare task of alpha",), ("spare task of beta",))


def test_an_owner_who_migrates_sees_everything(three):
    with acting_as(OWNER):
        assert Program.objects.count() == 3


def test_a_backup_has_every_row_or_is_refused(three, tmp_path):
    with acting_as(UPKEEP):
        backup.backup(tmp_path / "whole.dump")
        assert (tmp_path / "whole.dump").stat().st_size > 1000
        administrator().execute("ALTER POLICY whole_office ON tasks TO pg_read_all_data")
        try:
            with pytest.raises(backup.DumpError, match="does not see every row of tasks"):
                backup.backup(tmp_path / "part.dump")
        finally:
            office, upkeep = (
                connection.ops.quote_name(name) for name in roles_of("whole_office", "waves")
            )
            administrator().execute(
                f"ALTER POLICY whole_office ON tasks TO {office}, {upkeep}, pg_read_all_data"
            )
    assert not (tmp_path / "part.dump").exists()


def roles_of(policy, table):
    rows = administrator().execute(
        "SELECT unnest(roles) FROM pg_policies WHERE policyname = %s AND tablename = %s",
        [policy, table],
    )
    return [name for (name,) in rows.fetchall() if name != "pg_read_all_data"]
