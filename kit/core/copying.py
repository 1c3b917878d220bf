"""Write many rows by one COPY: one statement, so that each trigger runs once for all of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, models
from psycopg import Copy, sql


@contextmanager
def copying(model: type[models.Model], columns: Sequence[str]) -> Iterator[Copy]:
    """Open a COPY into the columns of a model's table; JSON is written as text.

    Its errors are Django's, as those of any other statement.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement.as_string()) as copy,
    ):
        yield copy
