"""The few database connections that the threads of one process share."""

import select
from typing import Any

from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool

from kit.runtime.database import base as database

# Seconds that a thread waits for another to give a connection back; and that the pool tries for a
# new one before it fails all threads that wait.
PATIENCE = 5
RECONNECT = 1


def options(size: int) -> dict[str, Any]:
    return {
        "min_size": 1,
        "max_size": size,
        "timeout": PATIENCE,
        "reconnect_timeout": RECONNECT,
        "reconnect_failed": give_up,
        "check": check,
        "connection_class": database.ConfirmedConnection,
    }


def give_up(pool: ConnectionPool) -> None:
    """Fail all threads that wait for a connection at once, instead of each after its timeout.

    The next request makes the pool retry. By itself it would wait twice as long after each
    attempt, and reach a database that is back only minutes later.
    """
    with pool._lock:
        while pool._waiting:
            pool._waiting.popleft().fail(OperationalError("the database takes no connections"))


def check(connection: Connection) -> None:
    """Refuse a connection that died in the pool, without a round trip for one that did not.

    The server sends to an idle connection only when it closes it, so a connection with nothing to
    read is healthy.
    """
    socket = select.poll()
    socket.register(connection, select.POLLIN)
    if socket.poll(0):
        connection.execute("")


def explain_connection_error(error: Exception) -> str:
    """Return why the database could not be used, with a remedy where there is one."""
    said = str(error).strip()
    if "unsupported startup parameter" in said:
        said += "\nThis address is a pooler, not PostgreSQL itself: set DATABASE_POOLED=true."
    return said
