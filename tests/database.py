"""The database under test: the throwaway server, its roles, and emptying append-only tables.

Tests run as the office's role. The administrator makes databases and empties them, and does what a
test wants done past the rules.
"""

import logging
import os
import signal
import tempfile
import threading
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import connection
from django.test import TestCase, TransactionTestCase
from psycopg.conninfo import make_conninfo
from psycopg.errors import DeadlockDetected, DuplicateObject, LockNotAvailable
from psycopg.sql import SQL, Identifier

from kit.live.hub import hub
from kit.runtime.database_addresses import (
    ADMINISTRATOR,
    OFFICE,
    OWNER,
    UPKEEP,
    acting_as,
    parameters_of,
    use,
    user_of,
)
from tests import throwaway
from tests.bouncer import bouncer
from tests.races import until

ATTEMPTS = 5


def pytest_configure():
    """Make Ctrl-C reach what tests start, also where the run itself is in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, template):
    """Prepare what a test's database is a copy of before anything asks for one, and not before."""
    connection.settings_dict["TEST"]["TEMPLATE"] = template
    use(ADMINISTRATOR)
    # Who listens and who answers a last page may still be in it when the run is over.
    connection.creation._destroy_test_db = lambda name, verbosity: drop(name)


@pytest.fixture(scope="session")
def server():
    """Yield a server for the run, or none if DATABASE_URL names one."""
    with throwaway.server() if settings.EMBEDDED else nullcontext():
        if not settings.EMBEDDED:
            throwaway.once("roles", make_roles)  # one worker, as they are the whole server's
        yield
        for name in [*sessions]:
            leave(name)


def make_roles(mark: Path) -> None:
    """Create the roles of the tests on somebody else's server, unless it has them."""
    for role in (OWNER, OFFICE, UPKEEP):
        with suppress(DuplicateObject):
            administrator("postgres").execute(
                SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    Identifier(user_of(role)), settings.DATABASE_ROLES[role]["PASSWORD"]
                )
            )
    mark.touch()


# A function that runs what an administrator may, inside of a test's own transaction.
AS_ADMINISTRATOR = """
    CREATE SCHEMA testing;
    GRANT USAGE ON SCHEMA testing TO PUBLIC;
    CREATE FUNCTION testing.as_administrator(statement text) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN EXECUTE statement; END'
"""
NUMBERS_OF_THE_TRAIL = "USAGE ON SEQUENCE evidence_trail_sequence_seq"
sessions: dict[str, psycopg.Connection] = {}  # an administrator's in each database


def administrator(name: str = "") -> psycopg.Connection:
    """Return a session of the server's administrator in a database, by default the one in use."""
    name = name or connection.settings_dict["NAME"]
    if name not in sessions or sessions[name].closed:
        params = parameters_of(ADMINISTRATOR) | {"dbname": name}
        sessions[name] = psycopg.connect(**params, autocommit=True)
    return sessions[name]


def leave(name: str) -> None:
    """End the administrator's session in a database, which else could not be copied."""
    if name in sessions:
        sessions.pop(name).close()


def as_administrator(statement: str, *params: object) -> None:
    """Run a statement as the administrator, in the transaction of the test."""
    with connection.cursor() as cursor:
        bound = psycopg.ClientCursor(cursor.connection).mogrify(statement, params or None)
        cursor.execute("SELECT testing.as_administrator(%s)", [bound])


@pytest.fixture
def open_trail(db):
    """Let the office write into the trail past the functions that do, as its owner can."""
    for each in ("INSERT, UPDATE, DELETE ON evidence_trail", NUMBERS_OF_THE_TRAIL):
        as_administrator(f"GRANT {each} TO {user_of(OFFICE)}")
    yield
    for each in ("INSERT, UPDATE, DELETE ON evidence_trail", NUMBERS_OF_THE_TRAIL):
        as_administrator(f"REVOKE {each} FROM {user_of(OFFICE)}")


@contextmanager
def without_triggers():
    """Write past every trigger and foreign key for a while, as no writer of the office can."""
    as_administrator("SET LOCAL session_replication_role = replica")
    yield
    as_administrator("SET LOCAL session_replication_role = origin")


@pytest.fixture(scope="session")
def template(server, worker_id, django_db_blocker):
    """Migrate a database that nobody else ever enters: one with other sessions cannot be copied.

    Workers share it, and on a server of somebody else's have one each, which they take away.
    """

    def migrate(mark):
        make("template")
        mark.touch()

    with django_db_blocker.unblock():
        if settings.EMBEDDED:
            throwaway.once("template", migrate)
            yield "template"
        else:
            name = f"template_{worker_id}"
            make(name)
            yield name
            drop(name)


def make(name: str, template: str = "") -> None:
    """Create a database: a copy of another, or migrated from nothing."""
    drop(name)
    leave(template)
    source = f" TEMPLATE {quoted(template)}" if template else ""
    administrator("postgres").execute(f"CREATE DATABASE {quoted(name)}{source}")
    give(name)
    if not template:
        with inside(name), acting_as(OWNER):
            call_command("migrate", verbosity=0)
        administrator(name).execute(AS_ADMINISTRATOR)
        leave(name)


def give(name: str) -> None:
    """Give a database to the owner, with the grants that no copy takes along."""
    for statement in (
        f"ALTER DATABASE {quoted(name)} OWNER TO {user_of(OWNER)}",
        f"REVOKE TEMPORARY ON DATABASE {quoted(name)} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {quoted(name)} TO {user_of(OFFICE)}, {user_of(UPKEEP)}",
    ):
        administrator("postgres").execute(statement)


def drop(name: str) -> None:
    leave(name)
    administrator("postgres").execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


@contextmanager
def inside(name: str):
    """Connect to another database for a while."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@contextmanager
def another(template: str):
    """Connect to a copy of another database as its owner, who may change it at will."""
    name = f"{connection.settings_dict['NAME']}_another"
    make(name, template)
    with inside(name), acting_as(OWNER):
        yield
    drop(name)
    ContentType.objects.clear_cache()


@pytest.fixture
def another_database(transactional_db, template):
    """Connect to a copy of a migrated database."""
    with another(template):
        yield


@pytest.fixture
def empty_database(transactional_db):
    """Connect to an empty database."""
    with another("template1"):
        yield


log = logging.getLogger(__name__)
ended = ["none"]  # the name of the test that this process has run before


def pytest_runtest_logfinish(nodeid):
    ended[0] = nodeid


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Empty tables past the triggers that refuse it, and keep what migrations put there."""
    with django_db_blocker.unblock():
        give(connection.settings_dict["NAME"])
        use(OFFICE)
        migrated_rows()  # before anybody changes them
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: restore())
        patch.setattr(TestCase, "_enter_atomics", classmethod(enter_empty))
        # A new session would compile every rule again, which costs more than most tests do.
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda test: False)
        request_started.connect(begin_request)
        request_finished.connect(end_request)
        if settings.DATABASE_POOLED:
            patch.setattr(settings, "DATABASE_LISTEN_URL", address())
            stack.enter_context(pooled())
        yield
        hub.stop()
        for name in [*sessions]:
            leave(name)


def address() -> str:
    """Return the address of the database under test on the server itself."""
    params = connection.get_connection_params()
    return make_conninfo(**{name: params[name] for name in ("host", "port", "dbname", "user")})


@contextmanager
def pooled():
    """Run PgBouncer between the office and its database: `make pooled`."""
    before = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    directory = Path(tempfile.mkdtemp(prefix="pooler-", dir=throwaway.directory()))
    with bouncer(throwaway.directory(), directory) as port:
        connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port)}
        yield
        connection.close()
        connection.settings_dict |= before


enter_atomics = TestCase._enter_atomics.__func__


def enter_empty(cls):
    """Begin a test's transaction in an empty database.

    Seldom, under load, rows are there that no test should have left. Their cause is not known: what
    they are, and after which test they were found, is printed with whatever fails.
    """
    if not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, created_at, xmin FROM programs LIMIT 5")
            if rows := cursor.fetchall():
                log.error("Rows were left in the database by or after %s: %s", ended[0], rows)
                restore()
    return enter_atomics(cls)


def restore() -> None:
    """Restore all tables to what migrations left in them, once no other session writes.

    A request to a live server, or a statement of a connection that was closed, may still be at
    work. Where it and we wait for each other one of us is ended, and we try again.
    """
    obsolete_at, connection.close_at = connection.close_at, None  # one that works is kept
    connection.close_if_unusable_or_obsolete()
    connection.close_at = obsolete_at
    for _ in range(ATTEMPTS):
        until(nobody_writes)
        with suppress(DeadlockDetected, LockNotAvailable):
            empty_and_fill()
            # Who has waited for our locks writes when we let go of them.
            if nobody_writes():
                return
    empty_and_fill()


requests: dict[int, str] = {}  # the addresses that other threads are answering, by their threads


def begin_request(environ=None, **_):
    """Note the request of a live server; a stream is open for long, and writes nothing."""
    apart = threading.current_thread() is not threading.main_thread()
    if environ and apart and not environ["PATH_INFO"].startswith("/live/"):
        requests[threading.get_ident()] = environ["PATH_INFO"]


def end_request(**_):
    requests.pop(threading.get_ident(), None)


def nobody_writes() -> bool:
    """Return whether no request is open and no other session has written or is about to.

    A statement that waits for a lock, be it that of the emptying itself, has not written yet.
    """
    alive = {thread.ident for thread in threading.enumerate()}
    [(nobody,)] = administrator().execute(
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        " AND (backend_xid IS NOT NULL OR state = 'active'))"
    )
    return nobody and not requests.keys() & alive


def empty_and_fill() -> None:
    """Delete all rows, and write again those that migrations wrote.

    Most tables hold a few rows or none: these are deleted in a fraction of the time in which
    TRUNCATE makes the files of all tables and indexes anew.
    """
    tables, session = migrated_rows(), administrator()
    with session.transaction(), session.cursor() as cursor:
        cursor.execute(
            "SET LOCAL session_replication_role = replica;"
            f"LOCK TABLE {', '.join(map(quoted, tables))} IN EXCLUSIVE MODE;"
            + "".join(f"DELETE FROM {quoted(table)};" for table in tables)
        )
        for table, content in tables.items():
            if content:
                with cursor.copy(f"COPY {quoted(table)} FROM STDIN") as copy:
                    copy.write(content)


@cache
def migrated_rows() -> dict[str, bytes]:
    """Return what migrations wrote into each table."""
    rows = {}
    with administrator().cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True):
            with cursor.copy(f"COPY {quoted(table)} TO STDOUT") as copy:
                rows[table] = b"".join(copy)
    return rows


def pytest_sessionfinish(session):
    """Fail the run for a skipped test where nothing may be missing, as in CI."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and os.environ.get("TESTS_NO_SKIPS") and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config):
    throwaway.remove()
