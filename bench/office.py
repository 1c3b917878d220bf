"""Throwaway offices: databases copied from one that is migrated, filled, and served."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from foreman_office.kit.children import Children
from foreman_office.management.commands.office import GRACE, gunicorn, listening_socket

FILL = (Path(__file__).parent / "fill.sql").read_text()


def fill(*, first: int = 1, last: int, waves: int, tasks: int) -> None:
    """Add programs of so many waves of so many tasks to the office."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE size AS"
            " SELECT %s AS first, %s AS last, %s AS waves, %s AS tasks",
            [first, last, waves, tasks],
        )
        cursor.execute(FILL)
        cursor.execute("DROP TABLE size")
        cursor.execute("VACUUM (ANALYZE)")


@contextmanager
def database(name: str, template: str | None = None) -> Iterator[str]:
    """Work in a copy of the migrated office, or of the office that `template` names."""
    before = connection.settings_dict["NAME"]
    switch_to(name)
    administer("CREATE DATABASE {} TEMPLATE {}", name, template or settings.DATABASE_MIGRATED)
    try:
        yield name
    finally:
        switch_to(before)
        administer("DROP DATABASE {} WITH (FORCE)", name)


def switch_to(name: str) -> None:
    """Let this process's own connection, if it is asked for, lead to another database."""
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = name


def administer(statement: str, *names: str) -> None:
    params = connection.get_connection_params() | {"dbname": "postgres"}
    params.pop("pool", None)
    with psycopg.connect(**params, autocommit=True) as server:
        server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def served(name: str) -> Iterator[int]:
    """Serve a database as the office serves its own, and yield the port."""
    with listening_socket() as listener, Children(grace=GRACE + 5) as children:
        children.start(
            "gunicorn",
            gunicorn(listener),
            inherit=[listener.fileno()],
            env={"BENCH_DATABASE": name},
        )
        yield listener.getsockname()[1]
