"""Connections of the members' role, which see the rows of one organisation (docs/database.md).

The organisation is the first statement of every transaction, and is set nowhere else. It ends with
the transaction, so neither the pool nor a pooler in between keeps it for somebody else. A statement
outside of a transaction gets one of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.abc import PQGen, QueryNoTemplate
from psycopg.pq import Format
from psycopg.pq.abc import PGresult

from kit.runtime import pool
from kit.runtime.database.base import ConfirmedConnection, DatabaseWrapper
from kit.runtime.database_addresses import MEMBER, settings_of


class MemberSession(ConfirmedConnection):
    """A session of the members' role, which works for one organisation at a time."""

    organisation: UUID | None = None

    def _exec_command(
        self, command: QueryNoTemplate, result_format: Format = Format.TEXT
    ) -> PQGen[PGresult | None]:
        """Follow each BEGIN with the organisation.

        SET takes no snapshot: the transaction may still choose its isolation level.
        """
        result = yield from super()._exec_command(command, result_format)
        if isinstance(command, bytes) and command.startswith(b"BEGIN") and self.organisation:
            said = f"SET LOCAL foreman.organisation = '{self.organisation}'"
            yield from super()._exec_command(said)
        return result


class MemberDatabase(DatabaseWrapper):
    """Django's connection of a thread that works for an organisation."""

    _connection_pools: dict[str, Any] = {}
    Database: Any = SimpleNamespace(**vars(psycopg) | {"connect": MemberSession.connect})

    def __init__(self, organisation: UUID) -> None:
        database = settings_of(MEMBER)
        if settings.FOREMAN_DB_POOL_SIZE:
            options = pool.options(settings.FOREMAN_DB_POOL_SIZE)
            database["OPTIONS"] = {
                **database["OPTIONS"],
                "pool": options | {"connection_class": MemberSession},
            }
        super().__init__(database, DEFAULT_DB_ALIAS)
        self.organisation = organisation
        self.execute_wrappers.append(in_a_transaction)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        session = super().get_new_connection(conn_params)
        session.organisation = self.organisation
        return session

    def _close(self) -> None:
        if self.connection is not None:
            self.connection.organisation = None
        super()._close()  # type: ignore[misc]


def in_a_transaction(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Run a statement that is in no transaction in one of its own."""
    wrapper = context["connection"]
    if wrapper.in_atomic_block or not wrapper.get_autocommit():
        return execute(sql, params, many, context)
    with wrapper.connection.transaction():
        return execute(sql, params, many, context)


def organisation_in_use() -> UUID | None:
    """Return for which organisation this thread works; None while it serves the whole office."""
    return getattr(connections[DEFAULT_DB_ALIAS], "organisation", None)


@contextmanager
def as_member(organisation: UUID) -> Iterator[None]:
    """Work as the members' role for an organisation: what is done inside sees nothing else."""
    with _connected_for(organisation):
        yield


@contextmanager
def as_office() -> Iterator[None]:
    """Work as the office while a member is served, for what is the person's own and no member's.

    What is read inside must be limited to that person or organisation by its query.
    """
    if organisation_in_use() is None:
        yield
        return
    with _connected_for(None):
        yield


@contextmanager
def _connected_for(organisation: UUID | None) -> Iterator[None]:
    """Replace the connection of this thread for a while; None is the whole office."""
    own = connections[DEFAULT_DB_ALIAS]
    if not own.in_atomic_block:
        own.close()  # gives it back to its pool: who holds one waits for no second one
    other: Any = (
        connections.create_connection(DEFAULT_DB_ALIAS)
        if organisation is None
        else MemberDatabase(organisation)
    )
    connections[DEFAULT_DB_ALIAS] = other
    try:
        yield
    finally:
        other.close()
        connections[DEFAULT_DB_ALIAS] = own
