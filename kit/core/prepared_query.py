"""Prepared queries: planned once for each connection.

Django writes parameters into a statement, which the server then plans anew. For a long question
that every page asks, the planning takes several times what the answer does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection


class PreparingCursor(psycopg.Cursor[Any]):
    """A cursor of psycopg that reports its queries to Django's log."""

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        self._query = super()._convert_query(query, params)
        return self._query


def words(sql: str, params: tuple[Any, ...]) -> str:
    """Return a statement with its parameters as literals."""
    return connection.ops.compose_sql(sql, params)  # type: ignore[attr-defined]


def fetch(
    question: str,
    params: Mapping[str, Any] | Sequence[Any] | None = None,
    using: Any = connection,
) -> list[tuple[Any, ...]]:
    """Run a prepared query, whose parameters the server puts in, and return all rows.

    Through a transaction pooler, whose sessions are not ours, nothing is prepared: see
    `prepare_threshold` in the settings.
    """
    using.ensure_connection()
    # As `connection.cursor()`, but for a cursor that leaves the statement as it is.
    preparing = PreparingCursor(using.connection)
    with using._prepare_cursor(preparing) as cursor:
        cursor.execute(question, params)
        return cursor.fetchall()
