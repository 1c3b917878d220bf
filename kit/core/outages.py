"""What counts as the database being away, beside what Django calls operational.

A server that is read-only (a standby, a switchover) answers, and takes nothing: who writes there
has to connect again, and perhaps elsewhere.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, InternalError, OperationalError, connection, connections
from psycopg import OperationalError as PsycopgError
from psycopg.errors import ReadOnlySqlTransaction

# Seconds between two times that all sessions of a pool are ended.
REST = 1
_left: dict[str, float] = {}
DATABASE_AWAY = (OperationalError, InterfaceError)


class UnconfirmedCommitError(PsycopgError):
    """A change is stored on this server, and no synchronous standby has confirmed it."""


def is_read_only(error: BaseException | None) -> bool:
    """Return whether a write was refused because the server is read-only (SQLSTATE 25006)."""
    return isinstance(error, InternalError) and isinstance(error.__cause__, ReadOnlySqlTransaction)


def leave_servers() -> None:
    """End the sessions of this process, so that the next ones may be with another server."""
    for each in connections.all(initialized_only=True):
        if session := each.connection:
            session.close()  # a pool would give an open one back
        if (pool := each.pool) and time.monotonic() - _left.get(each.alias, 0) > REST:  # type: ignore[attr-defined]
            _left[each.alias] = time.monotonic()
            pool.drain()


@contextmanager
def read_only_is_away() -> Iterator[None]:
    """Raise `OperationalError` where the server turns out to be read-only, and leave it."""
    try:
        yield
    except InternalError as error:
        if not is_read_only(error):
            raise
        leave_servers()
        raise OperationalError(str(error).strip()) from error.__cause__


def reason_it_is_read_only() -> str:
    """Return why the database takes no changes, or the empty text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')")
        is_standby, is_read_only = cursor.fetchone()
    if is_standby:
        return "It is a standby, which takes no changes."
    return "It is set to be read-only." if is_read_only == "on" else ""
