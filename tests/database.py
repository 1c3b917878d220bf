"""The database under test: the throwaway server, and a flush that append-only tables allow."""

import os
import signal

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from psycopg.errors import DeadlockDetected

from foreman_office.live.hub import hub
from tests import throwaway


def pytest_configure():
    """Let Ctrl-C reach what tests start, also where the run itself is in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """Have a server before anything asks for a database, and not before."""
    if not settings.EMBEDDED:
        yield
        return
    with throwaway.server():
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Flush past the triggers that refuse it, and keep what migrations put there."""
    with django_db_blocker.unblock():
        rows = migrated_rows()

    def execute_sql_flush(self, sql_list):
        try:
            flush(self, sql_list)
        except OperationalError as error:
            # A live server's last answer was still reading; it has ended by now.
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
            flush(self, sql_list)

    def flush(self, sql_list):
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for sql in sql_list:
                cursor.execute(sql)
            for table, content in rows.items():
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute_sql_flush)
        yield
    with django_db_blocker.unblock():
        stop_listening()


def stop_listening():
    """Let go of the connection that listens: a database that somebody is in cannot be dropped."""
    hub.stop()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'foreman-live'"
        )
    connection.close()


# Django restores its own rows after a flush; the groups, which are ours, speak of these by number.
OURS_OF_DJANGO = {
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
}


def migrated_rows() -> dict[str, bytes]:
    """Return what migrations wrote into our own tables, by table."""
    rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True):
            if table.startswith(("django_", "auth_")) and table not in OURS_OF_DJANGO:
                continue
            with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                content = b"".join(copy)
            if content:
                rows[table] = content
    connection.close()
    return rows


def pytest_sessionfinish(session):
    """Where nothing may be missing, as in CI, a skipped test is a failed run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and os.environ.get("FOREMAN_NO_SKIPS") and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config):
    throwaway.remove()
