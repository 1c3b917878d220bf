"""The office's own server from before it had roles is converted, wholly or not at all."""

import signal
import subprocess
import sys
from contextlib import closing, contextmanager

import psycopg
import pytest

from kit.runtime import embedded_postgres
from kit.runtime.embedded_roles import CONVERTER, OFFICE, OWNER, SUPERUSER
from tests import throwaway
from tests.platform.conftest import ROOT, copied, environment
from tests.races import until

# As the office made its server until it had roles.
OLD = ["initdb", "-U", OFFICE, "--auth=trust", "--encoding=UTF8", "--no-instructions"]
WHOSE = """
    SELECT pg_get_userbyid(10)::text, pg_get_userbyid(datdba)::text,
        (SELECT array_agg(DISTINCT tableowner::text) FROM pg_tables WHERE schemaname = 'public'),
        (SELECT array_agg(DISTINCT pg_get_userbyid(proowner)::text) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace),
        EXISTS (SELECT FROM pg_roles WHERE rolname = %s)
    FROM pg_database WHERE datname = current_database()
"""
WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
CONVERTS = f"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = '{CONVERTER}')"
CONVERTED = (SUPERUSER, OWNER, [OWNER], [OWNER], False)
UNCHANGED = (OFFICE, OFFICE, [OFFICE], [OFFICE])


@pytest.fixture(scope="session")
def old(migrated):
    """Make a server as it was before there were roles, with all that is in a migrated one."""

    def make(var):
        var.mkdir()
        data = embedded_postgres.data_directory(var)
        server = embedded_postgres.Server(data)
        embedded_postgres._own_private_directory(data, server.owner)
        server._run(*OLD, "-D", data, doing="old")
        database = f"CREATE DATABASE {OFFICE}\n"
        server._run("postgres", "--single", "-D", data, "template1", doing="old", stdin=database)
        dump = var / "migrated.dump"
        copy = throwaway.directory() / "to_dump"
        with embedded_postgres.running(copied(migrated, copy)):
            manage(copy, "backup", str(dump))
        server._start()
        restore = [server.binaries / "pg_restore", "--no-owner", "--no-privileges", "--no-policies"]
        address = ["--schema=public", "-h", server.sockets, "-U", OFFICE, "-d", OFFICE]
        subprocess.run([*restore, *address, dump], check=True)
        server.stop()

    return throwaway.once("old", make)


def manage(var, *arguments):
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", *arguments],
        env=environment(var),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def var(old, tmp_path):
    return copied(old, tmp_path / "var")


@contextmanager
def served_as_it_is(var):
    """Run the server of `var` without converting it."""
    server = embedded_postgres.Server(embedded_postgres.data_directory(var))
    server._start()
    try:
        yield
    finally:
        server.stop()


def session(var, user):
    address = embedded_postgres.database_url(var, user)
    return closing(psycopg.connect(address, autocommit=True))


def whose(var, user):
    with session(var, user) as connection:
        return connection.execute(WHOSE, [CONVERTER]).fetchone()


def test_an_old_server_is_backed_up_and_converted_at_the_next_start(var):
    with served_as_it_is(var):
        assert whose(var, OFFICE) == (*UNCHANGED, False)

    assert "a backup of it is in" in manage(var, "migrate").stderr
    copy = var / "before-roles.dump"
    assert copy.stat().st_size > 100_000
    assert copy.stat().st_mode & 0o077 == 0
    with embedded_postgres.running(var):
        assert whose(var, OFFICE) == CONVERTED
        manage(var, "roles", "--check")
        manage(var, "replay_evidence")
        again = manage(var, "roles", "--check")
        assert "backup" not in again.stderr


def test_a_command_works_right_after_the_conversion_before_the_office_has_migrated(var):
    manage(var, "issue_token", "ui-builder")
    manage(var, "backup", str(var / "office.dump"))


def test_a_conversion_that_is_killed_half_way_has_changed_nothing_and_is_redone(var, use_server):
    with served_as_it_is(var):
        with session(var, OFFICE) as holder:
            holder.execute("BEGIN")
            holder.execute("LOCK TABLE waves IN ACCESS SHARE MODE")  # a table is in use
            converting = use_server(var)
            until(lambda: holder.execute(WAITS).fetchone()[0])
            converting.end(signal.SIGKILL)
            holder.execute("COMMIT")
            until(lambda: not holder.execute(CONVERTS).fetchone()[0])
        assert whose(var, OFFICE) == (*UNCHANGED, True)

    use_server(var).wait_for("ready")
    assert whose(var, OFFICE) == CONVERTED


def test_a_conversion_that_is_killed_at_its_end_is_cleared_up_after(var, use_server):
    user = use_server(var)
    user.wait_for("ready")
    with session(var, SUPERUSER) as connection:  # as if it had not come to this any more
        connection.execute(f"CREATE ROLE {CONVERTER} LOGIN SUPERUSER")
    user.end(signal.SIGKILL)

    use_server(var).wait_for("ready")
    assert whose(var, OFFICE) == CONVERTED


def test_killed_whenever_it_is_converted_in_the_end(var, use_server):
    (var / ".before-roles.dump.new").write_text("half of a backup")
    for seconds in (0.1, 0.3, 0.5, 0.7, 0.9):
        converting = use_server(var)
        with pytest.raises(subprocess.TimeoutExpired):
            converting.popen.wait(seconds)
        converting.end(signal.SIGKILL)

    use_server(var).wait_for("ready")
    assert whose(var, OFFICE) == CONVERTED
    assert not [*var.glob(".before-roles*")]


def test_without_room_for_its_backup_nothing_is_converted(var, manage):
    (var / "before-roles.dump").mkdir()
    refused = manage("roles", "--check", var=var)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    with served_as_it_is(var):
        assert whose(var, OFFICE) == (*UNCHANGED, False)
