"""Connections whose commits wait for a standby for a bounded time, and that keep what is prepared.

PostgreSQL's own limits end with the statement: a commit waits for a standby that is gone until
somebody cancels it, and is then stored on this server alone. Whoever asked must not take that for
an acknowledgement.

psycopg forgets all prepared statements at each rollback, also to a savepoint, in case a table was
made and undone. The office makes none while it serves: a refused act would have the long questions
of the next page planned again (findings/psycopg-forgets-every-prepared-statement-at-a-savepoint).
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg._preparing import Prepare, PrepareManager
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGresult

from kit.core.outages import UnconfirmedCommitError

PATIENCE = 5  # seconds after which a connection that waits looks what it waits for
AWAITS_STANDBY = (
    "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'IPC'"
    " AND wait_event = 'SyncRep'"
)


class KeptStatements(PrepareManager):
    """psycopg's prepared statements, which a rollback does not end: they are the session's."""

    def _should_discard(self, prep: Prepare, results: Sequence[PGresult], *rest: Any) -> bool:
        others = [each for each in results if each.command_status != b"ROLLBACK"]
        return super()._should_discard(prep, others, *rest)


class ConfirmedConnection(psycopg.Connection[Any]):
    """A connection that ends its wait for a standby, with `UnconfirmedCommitError`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepared = KeptStatements()

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        while True:
            try:
                return super().wait(gen, interval, PATIENCE)
            except psycopg.errors._WaitTimeout:
                if awaits_standby(self):
                    break
        self._try_cancel(timeout=PATIENCE)
        try:
            super().wait(gen, interval, PATIENCE)  # the commit ends well, with a warning
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
        raise UnconfirmedCommitError(
            f"No standby has confirmed a change within {PATIENCE} s: it is stored on one server."
        )


def awaits_standby(connection: psycopg.Connection[Any]) -> bool:
    """Return whether a commit of this session waits for a standby, or False if nobody can tell.

    Through a transaction pooler the session is not ours to know; there its `query_timeout` holds.
    """
    info = connection.info
    here = make_conninfo(
        info.dsn,
        password=info.password,
        host=info.host,
        port=info.port,
        target_session_attrs="any",
        connect_timeout=PATIENCE,
    )
    try:
        with psycopg.connect(here, autocommit=True) as session:
            return bool(session.execute(AWAITS_STANDBY, [info.backend_pid]).fetchall())
    except psycopg.OperationalError:
        return False


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with our connections; a pool of them names the class among its options."""

    Database: Any = SimpleNamespace(**vars(psycopg) | {"connect": ConfirmedConnection.connect})
