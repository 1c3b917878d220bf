"""Read many rows in one snapshot of the database."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def snapshot(*, read_only: bool = True) -> Iterator[None]:
    """Open a snapshot of the database, read-only unless writing is requested.

    Inside of another transaction its isolation level stays.
    """
    level = "" if connection.in_atomic_block else "ISOLATION LEVEL REPEATABLE READ, "
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION {level}READ {'ONLY' if read_only else 'WRITE'}")
        yield
