"""Insert many rows by few statements, each of which runs each trigger once.

COPY takes a sixth of the processor time (0.06 s for 50,000 rows, beside 0.37), but PostgreSQL
refuses it on a table with row level security, also to a role that may see and write every row.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models
from psycopg import sql

TYPES = """
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attname = ANY (%s)
"""


class RowWriter:
    """Writes rows into columns of a table; JSON, times and keys are given as text, or as they are.

    `constants` are what each row has besides, in SQL.
    """

    def __init__(
        self, table: str, columns: Sequence[str], constants: Mapping[str, str], batch: int | None
    ) -> None:
        self.columns: list[list[str | None]] = [[] for _ in columns]
        self.batch = batch
        self.statement = insertion(table, columns, constants)

    def write_row(self, row: Sequence[Any]) -> None:
        for column, value in zip(self.columns, row, strict=True):
            column.append(None if value is None else str(value))
        if len(self.columns[0]) == self.batch:
            self.flush()

    def flush(self) -> None:
        if self.columns[0]:
            with connection.cursor() as cursor:
                cursor.execute(self.statement, self.columns)
            for column in self.columns:
                column.clear()


def insertion(table: str, columns: Sequence[str], constants: Mapping[str, str]) -> str:
    """Return the INSERT of an array of text for each column."""
    with connection.cursor() as cursor:
        cursor.execute(TYPES, [table, [*columns]])
        types = dict(cursor.fetchall())
    comma = sql.SQL(", ")
    typed = [sql.Identifier(name) + sql.SQL("::" + types[name]) for name in columns]
    return (
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM unnest({}) AS given ({})")
        .format(
            sql.Identifier(table),
            comma.join(map(sql.Identifier, [*columns, *constants])),
            comma.join([*typed, *map(sql.SQL, constants.values())]),
            comma.join([sql.SQL("%s::text[]")] * len(columns)),
            comma.join(map(sql.Identifier, columns)),
        )
        .as_string()
    )


@contextmanager
def inserting(
    model: type[models.Model],
    columns: Sequence[str],
    batch: int | None = None,
    **constants: str,
) -> Iterator[RowWriter]:
    """Insert what is written inside: all by one statement, or so many rows by each."""
    writer = RowWriter(model._meta.db_table, columns, constants, batch)
    yield writer
    writer.flush()
