"""The database under test: the throwaway server, and emptying that append-only tables allow."""

import os
import signal
import tempfile
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.test import TransactionTestCase
from psycopg.conninfo import make_conninfo
from psycopg.errors import DeadlockDetected

from foreman_office.live.hub import hub
from tests import throwaway
from tests.bouncer import bouncer


def pytest_configure():
    """Let Ctrl-C reach what tests start, also where the run itself is in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, template):
    """Have what a test's database is a copy of before anything asks for one, and not before."""
    connection.settings_dict["TEST"]["TEMPLATE"] = template
    # Who listens and who answers a last page may still be in it when the run is over.
    connection.creation._destroy_test_db = lambda name, verbosity: drop(name)


@pytest.fixture(scope="session")
def server():
    """Have a server, unless DATABASE_URL names one."""
    with throwaway.server() if settings.EMBEDDED else nullcontext():
        yield


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
    """Make a database: a copy of another, or migrated from nothing."""
    drop(name)
    quote = connection.ops.quote_name
    with connection._nodb_cursor() as cursor:
        source = f" TEMPLATE {quote(template)}" if template else ""
        cursor.execute(f"CREATE DATABASE {quote(name)}{source}")
    if not template:
        with inside(name):
            call_command("migrate", verbosity=0)


def drop(name: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {connection.ops.quote_name(name)} WITH (FORCE)")


@contextmanager
def inside(name: str):
    """Be in another database for a while."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Empty tables past the triggers that refuse it, and keep what migrations put there."""
    with django_db_blocker.unblock():
        migrated_rows()  # before anybody changes them
        connection.close()
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: restore())
        if settings.DATABASE_POOLED:
            patch.setattr(settings, "DATABASE_LISTEN_URL", address())
            stack.enter_context(pooled())
        yield
        hub.stop()


def address() -> str:
    """Return the address of the database under test on the server itself."""
    params = connection.get_connection_params()
    return make_conninfo(**{name: params[name] for name in ("host", "port", "dbname", "user")})


@contextmanager
def pooled():
    """Have PgBouncer between the office and its database: `make pooled`."""
    before = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    directory = Path(tempfile.mkdtemp(prefix="pooler-", dir=throwaway.directory()))
    with bouncer(throwaway.directory(), directory) as port:
        connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port)}
        yield
        connection.close()
        connection.settings_dict |= before


def restore() -> None:
    """Put all tables back to what migrations left in them."""
    try:
        empty_and_fill()
    except OperationalError as error:
        # A live server's last answer was still writing; it has ended by now.
        if not isinstance(error.__cause__, DeadlockDetected):
            raise
        empty_and_fill()


def empty_and_fill() -> None:
    """Delete all rows, and write again those that migrations wrote.

    Most tables hold a few rows or none: these are deleted in a fraction of the time in which
    TRUNCATE makes the files of all tables and indexes anew.
    """
    tables, quote = migrated_rows(), connection.ops.quote_name
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL session_replication_role = replica;"
            f"LOCK TABLE {', '.join(map(quote, tables))} IN EXCLUSIVE MODE;"
            + "".join(f"DELETE FROM {quote(table)};" for table in tables)
        )
        for table, content in tables.items():
            if content:
                with cursor.copy(f"COPY {quote(table)} FROM STDIN") as copy:
                    copy.write(content)


@cache
def migrated_rows() -> dict[str, bytes]:
    """Return what migrations wrote into each table."""
    rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True):
            with cursor.copy(f"COPY {connection.ops.quote_name(table)} TO STDOUT") as copy:
                rows[table] = b"".join(copy)
    return rows


def pytest_sessionfinish(session):
    """Where nothing may be missing, as in CI, a skipped test is a failed run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and os.environ.get("FOREMAN_NO_SKIPS") and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config):
    throwaway.remove()
