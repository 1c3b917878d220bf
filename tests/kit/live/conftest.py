"""A hub of the test's own, beside that of the process."""

import psycopg
import pytest

from kit.live.hub import Hub
from kit.live.hub import connect as connect_to_listen
from tests.races import until

MINE = "foreman-live-test"


@pytest.fixture
def listen(connect):
    """Return a maker of hubs on the database under test, and close their connections afterwards."""
    hubs = []

    def connect_as_mine():
        connection = connect_to_listen()
        connection.execute(f"SET application_name = '{MINE}'")
        return connection

    def listen(connect=connect_as_mine):
        hub = Hub(connect)
        hubs.append(hub)
        return hub

    yield listen
    for hub in hubs:
        hub.stop()
    hang_up(connect())
    until(lambda: not any(hub.listening for hub in hubs))


@pytest.fixture
def hub(listen):
    """A hub that listens already."""
    hub = listen()
    hub.close(hub.open([], 0))
    until(lambda: hub.listening)
    with hub._lock:  # it tells of that it listens, which is no news to those who come now
        return hub


def hang_up(connection: psycopg.Connection) -> int:
    """Terminate the connections on which the test's hubs listen; return how many there were."""
    # Workers share a server: others listen to databases of their own.
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = %s"
    )
    return len(connection.execute(query, [MINE]).fetchall())
