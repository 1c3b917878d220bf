"""`manage.py roles` as a command, on a server whose administrator is no superuser."""

import re
import subprocess
import sys
from contextlib import closing, contextmanager
from uuid import uuid4

import psycopg
import pytest

from foreman_office.management.migrating import LOCK
from kit.runtime import embedded_postgres
from tests import throwaway
from tests.platform.conftest import PATIENCE, ROOT, environment, place
from tests.races import until

PASSWORD = "correct horse"


def address(user, name):
    """Return the address of a database on the run's server."""
    url = embedded_postgres.database_url(throwaway.directory(), user)
    return f"{url.removesuffix(embedded_postgres.DATABASE)}{name}"


def execute(url, *statements):
    with closing(psycopg.connect(url, autocommit=True)) as session:
        return [session.execute(statement) for statement in statements]


@pytest.fixture
def database():
    """Make a database that a role owns which may create roles and is no superuser.

    Such is `postgres` of Supabase. Returns its name, which is the role's too.
    """
    name, root = f"supa_{uuid4().hex[:8]}", address(embedded_postgres.SUPERUSER, "postgres")
    with throwaway.server():
        execute(
            root,
            f"CREATE ROLE {name} LOGIN CREATEROLE BYPASSRLS",
            f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0",
        )
        yield name
        execute(root, f"DROP DATABASE {name} WITH (FORCE)")
        roles = ", ".join(f"{name}{end}" for end in ("_owner", "_office", "_upkeep", ""))
        execute(root, *(f"DROP ROLE IF EXISTS {role}" for role in roles.split(", ")))


@pytest.fixture
def run(database):
    """Run a command with these addresses, and return what it said."""

    def run(*arguments, fails=False, given="", **addresses):
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments],
            env=environment(place() / "var", SECRET_KEY="a secret", **addresses),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert bool(done.returncode) == fails, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    return run


def psql(url, script):
    program = embedded_postgres.binaries() / "psql"
    done = subprocess.run(
        [program, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", url],
        input=script,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def three(database, owner="_owner"):
    return {
        "DATABASE_URL": address(f"{database}_office", database),
        "DATABASE_OWNER_URL": address(f"{database}{owner}", database),
        "DATABASE_UPKEEP_URL": address(f"{database}_upkeep", database),
    }


def test_a_database_in_use_with_one_role_gets_three(database, run):
    one = {"DATABASE_URL": address(database, database)}
    run("migrate", **one)
    run("issue_token", "ui-builder", **one)
    assert "rewritten. manage.py roles prints how" in run("doctor", fails=True, **one)
    assert f"There is no role {database}_office." in run("roles", "--check", fails=True, **one)

    script = run("roles", **one)
    assert f"addresses of {database}_owner, {database}_office and {database}_upkeep" in script
    psql(one["DATABASE_URL"], script)

    assert "as declared" in run("roles", "--check", **one)
    assert "as declared" in run("roles", "--check", **three(database))
    run("migrate", **three(database))
    run("issue_token", "qa-builder", **three(database))
    run("replay_evidence", **three(database))
    backup = str(place() / "office.dump")
    run("backup", backup, **three(database))
    assert "ERROR" not in run("doctor", fails=True, **three(database))  # nobody watches
    left = "SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole AND inherit_option"
    with closing(psycopg.connect(address(database, database))) as session:
        assert session.execute(left, [database]).fetchone() == (0,)


def test_an_administrator_who_may_create_roles_applies_it_and_owns_the_tables(database, run):
    addresses = three(database, owner="")
    assert "as declared" in run("roles", "--apply", **addresses)
    run("migrate", **addresses)
    assert "as declared" in run("roles", "--check", **addresses)
    run("createsuperuser", "--noinput", "--username=ada", "--email=a@example.org", **addresses)
    execute(address(database, database), f"GRANT DELETE ON django_migrations TO {database}_office")
    assert "has DELETE on table" in run("roles", "--check", fails=True, **addresses)
    run("roles", "--apply", **addresses)
    assert "as declared" in run("roles", "--check", **addresses)


def test_a_role_that_may_not_create_roles_is_told_so_and_nothing_is_changed(database, run):
    execute(address(embedded_postgres.SUPERUSER, database), f"ALTER ROLE {database} NOCREATEROLE")
    said = run("roles", "--apply", fails=True, **three(database, owner=""))
    assert f"{database} may not do that, and nothing was changed" in said
    assert "manage.py roles | psql" in said


def test_a_database_that_no_role_reaches_is_prepared_by_the_printed_sql(database, run):
    addresses = {
        name: url.replace("@", f":{PASSWORD.replace(' ', '%20')}@", 1)
        for name, url in three(database).items()
    }
    said = run("roles", **addresses)
    assert "cannot be reached with the office's addresses yet" in said
    assert PASSWORD not in said
    assert len(re.findall(r"PASSWORD 'SCRAM-SHA-256\$", said)) == 3
    psql(address(database, database), said)
    run("migrate", **addresses)
    assert "as declared" in run("roles", "--check", **addresses)


def test_a_restored_office_belongs_to_the_owner_and_is_granted_anew(database, run):
    addresses = three(database)
    psql(address(database, database), run("roles", **addresses))
    run("migrate", **addresses)
    backup = str(place() / "office.dump")
    run("backup", backup, **addresses)
    execute(address(embedded_postgres.SUPERUSER, "postgres"), f"DROP DATABASE {database}")
    execute(
        address(embedded_postgres.SUPERUSER, "postgres"),
        f"CREATE DATABASE {database} OWNER {database} TEMPLATE template0",
    )
    psql(address(database, database), run("roles", **addresses))
    run("restore", backup, **addresses)
    assert "as declared" in run("roles", "--check", **addresses)
    run("replay_evidence", **addresses)


def test_an_office_that_may_not_migrate_says_what_it_lacks(database, run):
    addresses = three(database)
    psql(address(database, database), run("roles", **addresses))
    del addresses["DATABASE_OWNER_URL"]
    said = run("office", fails=True, PORT="0", **addresses)
    assert f"{database}_office may not apply them" in said
    assert "set DATABASE_OWNER_URL" in said


@contextmanager
def migrating(url):
    """Hold the lock of an office that migrates."""
    with closing(psycopg.connect(url)) as holder:
        holder.execute(LOCK)
        yield holder


def test_an_office_that_waits_for_another_says_so_and_goes_on_when_it_is_done(database, start):
    url = address(database, database)
    execute(
        url,
        "CREATE TABLE django_migrations (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
        " app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamptz NOT NULL)",
    )
    with migrating(url) as holder:
        settings = {"SECRET_KEY": "0123456789" * 5, "PORT": "0", "WEB_WORKERS": "1"}
        env = environment(place() / "var", DATABASE_URL=url, **settings)
        office = start([sys.executable, ROOT / "manage.py", "office"], env)
        line = office.wait_for("Another office migrates this database")
        assert f"(its server process is {holder.info.backend_pid})" in line
    office.wait_for("is open at")


def test_who_serves_does_not_know_the_other_addresses(open_office, database, run, tmp_path):
    addresses = three(database)
    psql(address(database, database), run("roles", **addresses))
    office = open_office(
        tmp_path / "var", DATABASE_POOLED="false", SECRET_KEY="0123456789" * 5, **addresses
    )
    known = {child.pid: child.environ() for child in office.process.descendants()}
    for child, env in known.items():
        assert not env["DATABASE_OWNER_URL"], child
        assert not env["DATABASE_UPKEEP_URL"], child  # the watcher is told it after it has begun
    until(office.is_ready)
    users = "SELECT array_agg(DISTINCT usename::text) FROM pg_stat_activity WHERE datname = %s"
    with closing(psycopg.connect(address(embedded_postgres.SUPERUSER, "postgres"))) as session:
        assert {*session.execute(users, [database]).fetchone()[0]} == {
            f"{database}_office", f"{database}_upkeep",
        }  # fmt: skip


def test_a_role_without_its_grants_is_told_where_to_look(database, run):
    addresses = three(database, owner="")
    run("roles", "--apply", **addresses)
    run("migrate", **addresses)
    execute(
        address(database, database), f"REVOKE SELECT ON django_migrations FROM {database}_office"
    )
    said = run("issue_token", "ui-builder", fails=True, **addresses)
    assert "permission denied for table django_migrations" in said
    assert "Run manage.py roles --check." in said
