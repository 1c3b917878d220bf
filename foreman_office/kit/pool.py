"""The few database connections that the threads of one process share."""

import select
from typing import Any

from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool

# Seconds that a thread waits for another to give a connection back; and that the pool tries for a
# new one before it tells all who wait that there is none.
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
    }


def give_up(pool: ConnectionPool) -> None:
    """Tell those who wait that the database is away, rather than let each run out of time.

    The next to ask makes the pool try anew. Left to itself it would wait twice as long after each
    attempt, and find a database that is back minutes later.
    """
    with pool._lock:
        while pool._waiting:
            pool._waiting.popleft().fail(OperationalError("the database takes no connections"))


def check(connection: Connection) -> None:
    """Refuse a connection that died in the pool, without a round trip for one that did not.

    The server speaks to an idle connection only to say goodbye, so silence means health.
    """
    socket = select.poll()
    socket.register(connection, select.POLLIN)
    if socket.poll(0):
        connection.execute("")


def explain(error: Exception) -> str:
    """Say what kept us from the database, and what to do where we know."""
    said = str(error).strip()
    if "unsupported startup parameter" in said:
        said += "\nThis is a pooler, not PostgreSQL itself: set DATABASE_POOLED=true."
    return said
