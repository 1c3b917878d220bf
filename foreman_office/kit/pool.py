"""The few database connections that the threads of one process share."""

import select
from typing import Any

from psycopg import Connection


def options(size: int) -> dict[str, Any]:
    return {"min_size": 1, "max_size": size, "timeout": 10, "check": check}


def check(connection: Connection) -> None:
    """Refuse a connection that died in the pool, without a round trip for one that did not.

    The server speaks to an idle connection only to say goodbye, so silence means health.
    """
    socket = select.poll()
    socket.register(connection, select.POLLIN)
    if socket.poll(0):
        connection.execute("")
