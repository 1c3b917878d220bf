"""The roles of the database: what the catalog says, what differs, and what each may not do."""

import re
from base64 import b64decode
from contextlib import closing

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from foreman_office.database_roles.applying import compared, for_a_new_database
from foreman_office.database_roles.declared import (
    KEPT_BY_FUNCTIONS,
    KEPT_BY_THE_OWNER,
    WRITTEN_BY_UPKEEP,
)
from foreman_office.database_roles.script import script_of, verifier
from kit.runtime.database_addresses import OFFICE, OWNER, UPKEEP, acting_as, parameters_of, user_of
from tests.database import administrator, as_administrator

pytestmark = pytest.mark.django_db


def sentences():
    return [each.sentence for each in compared()[2]]


def test_every_thing_of_the_database_is_as_declared():
    _, found, different = compared()
    assert different == []
    kinds = {thing.kind for thing in found.things}
    assert kinds == {"DATABASE", "SCHEMA", "TABLE", "SEQUENCE", "ROUTINE", "DEFAULT"}
    tables = {thing.bare for thing in found.things if thing.kind == "TABLE"}
    assert tables >= set(connection.introspection.django_table_names(only_existing=True))
    assert tables >= {*WRITTEN_BY_UPKEEP, *KEPT_BY_FUNCTIONS}


def test_tests_run_as_the_office(sql):
    [(user, session, is_super)] = sql(
        "SELECT current_user, session_user, rolsuper FROM pg_roles WHERE rolname = current_user"
    )
    assert (user, session, is_super) == (user_of(OFFICE), user_of(OFFICE), False)


# --- what is not as declared is named, and can be mended ------------------------------------------

WRONG = {
    "GRANT INSERT ON django_migrations TO {office}": "{office} has INSERT on table public.django_",
    "GRANT DELETE ON waves TO {upkeep}": "{upkeep} has DELETE on table public.waves.",
    "REVOKE UPDATE ON tasks FROM {office}": "{office} lacks UPDATE on table public.tasks.",
    "GRANT SELECT ON auth_user TO PUBLIC": "PUBLIC has SELECT on table public.auth_user.",
    "GRANT SELECT ON tasks TO {office} WITH GRANT OPTION": "{office} has SELECT with GRANT OPTION",
    "GRANT UPDATE (name) ON django_migrations TO {office}": "{office} has UPDATE (name) on table",
    "GRANT TRUNCATE ON tasks TO {office}": "{office} has TRUNCATE on table public.tasks.",
    "GRANT UPDATE ON SEQUENCE governance_recorded TO {office}": "{office} has UPDATE on sequence",
    "GRANT CREATE ON SCHEMA public TO PUBLIC": "PUBLIC has CREATE on schema public.",
    "CREATE TABLE strange ()": "table public.strange belongs to ",
    "ALTER FUNCTION governance_tasks_gate OWNER TO {office}": "routine public.governance_tasks_gat",
    "ALTER TABLE tasks OWNER TO {office}": "table public.tasks belongs to {office}, not to {owner}",
    "GRANT {owner} TO {office}": "{office} is a member of {owner}.",
    "ALTER ROLE {office} BYPASSRLS": "{office} has BYPASSRLS.",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public REVOKE ALL ON TABLES FROM {office}":
        "{office} lacks SELECT, INSERT, UPDATE, DELETE on tables that will be made.",
    "CREATE FUNCTION strange() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';"
    "ALTER FUNCTION strange OWNER TO {owner}": "PUBLIC has EXECUTE on routine public.strange().",
}  # fmt: skip


@pytest.mark.parametrize("change", WRONG)
def test_what_differs_is_named_and_the_script_ends_it(change):
    names = compared()[0]
    as_administrator(change.format(**names._asdict()))
    found = sentences()
    assert any(each.startswith(WRONG[change].format(**names._asdict())) for each in found), found
    statements = script_of(names, compared()[2])
    as_administrator(re.sub("^(BEGIN|COMMIT);$", "", statements, flags=re.MULTILINE))
    assert sentences() == []


def test_the_command_names_what_differs_and_fails(capsys):
    call_command("roles", "--check")
    assert "as declared" in capsys.readouterr().out
    as_administrator(f"GRANT DELETE ON django_migrations TO {user_of(OFFICE)}")
    with pytest.raises(CommandError, match="1 differences"):
        call_command("roles", "--check")
    assert "has DELETE on table public.django_migrations" in capsys.readouterr().out


def test_an_owner_that_is_a_superuser_is_named_and_left_alone():
    as_administrator(f"ALTER ROLE {user_of(OWNER)} SUPERUSER")
    names, _, different = compared()
    assert [each.sentence.partition(",")[0] for each in different] == [
        f"{names.owner} is a superuser"
    ]
    assert "SUPERUSER" not in script_of(names, different)


@pytest.mark.django_db(transaction=True)
def test_a_migration_leaves_nothing_ungranted():
    owner = user_of(OWNER)
    administrator().execute(f"REVOKE ALL ON tasks FROM {user_of(OFFICE)}, {user_of(UPKEEP)}")
    administrator().execute(
        f"CREATE FUNCTION strange() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';"
        f"ALTER FUNCTION strange OWNER TO {owner}"
    )
    try:
        assert len(sentences()) == 3
        with acting_as(OWNER):
            call_command("migrate", verbosity=0)
        assert sentences() == []
    finally:
        administrator().execute("DROP FUNCTION strange")


@pytest.mark.django_db(transaction=True)
def test_a_migration_says_whose_grants_it_revokes(capsys):
    administrator().execute("CREATE ROLE reports; GRANT SELECT ON tasks, waves TO reports")
    try:
        with acting_as(OWNER):
            call_command("migrate", verbosity=0)
            assert "What reports had been granted was revoked" in capsys.readouterr().err
            call_command("migrate", verbosity=0)
            assert capsys.readouterr().err == ""
        assert sentences() == []
    finally:
        administrator().execute("DROP OWNED BY reports; DROP ROLE reports")


@pytest.mark.django_db(transaction=True)
def test_with_one_role_a_restored_function_that_runs_for_its_owner_is_closed_too(settings):
    roles = settings.DATABASE_ROLES
    opened = "GRANT EXECUTE ON FUNCTION programs_open_import TO PUBLIC"  # as in any new database
    administrator().execute(opened)
    try:
        assert sentences() == ["PUBLIC has EXECUTE on routine public.programs_open_import()."]
        settings.DATABASE_ROLES = dict.fromkeys(roles, roles[OWNER])
        with acting_as(OWNER):
            call_command("migrate", verbosity=0)
        settings.DATABASE_ROLES = roles
        assert sentences() == []
    finally:
        administrator().execute(opened.replace("GRANT", "REVOKE").replace(" TO ", " FROM "))


# --- what a role that owns nothing cannot do ------------------------------------------------------

FORBIDDEN = [
    "CREATE TEMPORARY TABLE tasks_of_mine (task_id uuid)",
    "CREATE TABLE mine ()",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE tasks DISABLE TRIGGER USER",
    "ALTER TABLE tasks ADD COLUMN mine int",
    "DROP TRIGGER governance_tasks_gate ON tasks",
    "CREATE OR REPLACE FUNCTION governance_no_truncate() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
    "SELECT setval('evidence_trail_sequence_seq', 1)",
    "SELECT setval('governance_recorded', 1)",
    "LOCK TABLE django_migrations IN SHARE UPDATE EXCLUSIVE MODE",
    "COPY tasks TO PROGRAM 'cat'",
    "COPY tasks TO '/tmp/tasks'",
    "CREATE ROLE mine",
    *(f"TRUNCATE {table} CASCADE" for table in ("tasks", "heartbeats", "django_session")),
]
NO_PRIVILEGE = "42501"
KEPT = sorted(KEPT_BY_FUNCTIONS | KEPT_BY_THE_OWNER)


def writes(table, column):
    return [
        f"INSERT INTO {table} DEFAULT VALUES",
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"SELECT FROM {table} FOR UPDATE",
        f"COPY {table} FROM STDIN",
    ]


def refusal(session, statement):
    """Return the SQLSTATE with which the database refuses a statement, or an empty text."""
    try:
        with session.transaction(force_rollback=True):
            session.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate
    return ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", [OFFICE, UPKEEP])
def test_who_serves_can_do_nothing_that_only_an_owner_may(role):
    with closing(psycopg.connect(**parameters_of(role), autocommit=True)) as session:
        assert forbidden_and_done(role, session) == {}


def forbidden_and_done(role, session):
    assert session.execute("SELECT session_user::text").fetchone() == (user_of(role),)
    columns = session.execute(
        "SELECT relname::text, min(attname)::text FROM pg_attribute"
        " JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relname = ANY (%s) AND relkind = 'r' AND attnum > 0 GROUP BY 1",
        [KEPT],
    ).fetchall()
    assert columns
    statements = [*FORBIDDEN, *(each for column in columns for each in writes(*column))]
    codes = {statement: refusal(session, statement) for statement in statements}
    return {statement: code for statement, code in codes.items() if code != NO_PRIVILEGE}


# --- the script -----------------------------------------------------------------------------------


def test_a_password_is_shown_as_its_verifier_alone(settings):
    passwords = {OWNER: "", OFFICE: "correct horse", UPKEEP: ""}
    settings.DATABASE_ROLES = settings.DATABASE_ROLES | {
        role: settings.DATABASE_ROLES[role] | {"PASSWORD": password}
        for role, password in passwords.items()
    }
    names, different = for_a_new_database()
    text = script_of(names, different)
    assert "correct horse" not in text
    assert f'CREATE ROLE "{names.office}" LOGIN' in text
    assert re.search(r"PASSWORD 'SCRAM-SHA-256\$4096:\S+';", text)
    assert r"\password" in text  # of the others


def test_the_verifier_is_the_one_that_libpq_makes(sql):
    sql("SELECT 1")
    name, password = user_of(OFFICE), "correct horse"
    libpq = connection.connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    ).decode()
    salt = b64decode(libpq.split(":")[1].split("$")[0])
    assert verifier(password, salt) == libpq
