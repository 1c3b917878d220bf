"""Throwaway offices: databases copied from one that is migrated, filled, and served."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import psycopg
from django.conf import settings
from django.db import connection
from django.utils.timezone import now
from psycopg import sql

from bench.generator.size import Size
from bench.generator.writing import generate
from foreman_office.management.commands.office import FEW_ARENAS, GRACE, gunicorn, listening_socket
from kit.runtime.process_group import Children

# One wave as it is in a large office, and by this seed each builder holds one of its tasks.
WAVE, EVERYBODY_HOLDS = Size(programs=1, waves=1, tasks=100, heartbeats=500, evidence=450), 18


def fill(size: Size = WAVE, seed: int = EVERYBODY_HOLDS) -> None:
    """Fill the office, then vacuum and analyze its tables, as autovacuum would when idle."""
    generate(size, seed=seed, now=now())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


@cache
def made(size: Size) -> str:
    """Make an office of this size, once in a run, and return the name of its database."""
    name = f"bench_made_{size.programs}_{size.tasks}"
    administer("CREATE DATABASE {} TEMPLATE {}", name, settings.DATABASE_MIGRATED)
    with in_database(name):
        fill(size)
    return name


@contextmanager
def in_database(name: str) -> Iterator[None]:
    """Connect to an existing database for a while."""
    before = connection.settings_dict["NAME"]
    switch_to(name)
    try:
        yield
    finally:
        switch_to(before)


@contextmanager
def database_copy(name: str, template: str | None = None) -> Iterator[str]:
    """Create a copy of the migrated office, or of the one that `template` names, for a while."""
    administer("CREATE DATABASE {} TEMPLATE {}", name, template or settings.DATABASE_MIGRATED)
    try:
        with in_database(name):
            yield name
    finally:
        administer("DROP DATABASE {} WITH (FORCE)", name)


def switch_to(name: str) -> None:
    """Connect this process to another database from here on."""
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = name


def administer(statement: str, *names: str) -> None:
    switch_to(
        connection.settings_dict["NAME"]
    )  # a database with sessions cannot be copied or dropped
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
            env={"BENCH_DATABASE": name, **FEW_ARENAS},
        )
        yield listener.getsockname()[1]
