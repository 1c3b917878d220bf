"""Migrations that report their progress, of one office at a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from psycopg.errors import InsufficientPrivilege, LockNotAvailable

from foreman_office.database_roles.applying import grant_again
from foreman_office.management.commands import migrate as office_migrate
from kit.core.migration_files import known_migrations
from kit.runtime import pool

EVERY = 2  # seconds between two lines
SILENT = "3s"  # how long an office waits for another without a word
# Held by the office that migrates, and by nobody who only reads the table or adds to it.
LOCK = "LOCK TABLE django_migrations IN SHARE UPDATE EXCLUSIVE MODE"
HOLDER = """
    SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE relation = 'django_migrations'::regclass AND mode = 'ShareUpdateExclusiveLock' AND granted
        AND datname = current_database()
"""


def migrate(say: Callable[[str], object]) -> None:
    """Apply what is not applied yet, with a line before and one every few seconds."""
    try:
        steps = steps_to_take()
    except OperationalError as error:
        raise CommandError(
            f"The database cannot be reached: {pool.explain_connection_error(error)}"
        ) from error
    if not steps:
        grant_again(say)
        return
    with alone_at_migrating(say):
        if steps := steps_to_take():  # another office may have been first
            say(f"Preparing the database, {steps} steps ...")
        call_command(Command(steps, say), verbosity=0)


def steps_to_take() -> int:
    # The names tell that nothing is to do, as nearly always: the modules are not loaded for that.
    if known_migrations() <= MigrationRecorder(connection).applied_migrations().keys():
        return 0
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextmanager
def alone_at_migrating(say: Callable[[str], object]) -> Iterator[None]:
    """Serialize migrations: offices that start on one database at once migrate one by one.

    The lock belongs to a transaction, so it holds behind a transaction pooler too. It is on a table
    that only its owner may lock.
    """
    with psycopg.connect(**connection.get_connection_params()) as holder, as_a_sentence():
        make_table_of_migrations()
        if not locked(holder, SILENT):
            (pid,) = holder.execute(HOLDER).fetchone() or ("unknown",)
            holder.rollback()
            say(f"Another office migrates this database (its server process is {pid}); waiting ...")
            locked(holder, "0")
        yield


@contextmanager
def as_a_sentence() -> Iterator[None]:
    """Raise CommandError where the database refuses the lock to the role that would migrate."""
    try:
        yield
    except (InsufficientPrivilege, MigrationSchemaMissing) as error:
        raise CommandError(
            f"Migrations are not applied, and {connection.settings_dict['USER']} may not apply them"
            f" ({str(error).strip()}): set DATABASE_OWNER_URL, or run manage.py migrate where it is"
            " set."
        ) from error


def make_table_of_migrations() -> None:
    """Create Django's table of migrations, unless another office is first."""
    recorder = MigrationRecorder(connection)
    try:
        recorder.ensure_schema()
    except MigrationSchemaMissing:
        if not recorder.has_table():
            raise


def locked(holder: psycopg.Connection, patience: str) -> bool:
    """Begin a transaction and take the lock; return False if another has it for so long."""
    for timeout in ("statement_timeout", "idle_in_transaction_session_timeout"):
        holder.execute(f"SET LOCAL {timeout} = 0")
    holder.execute(f"SET LOCAL lock_timeout = '{patience}'")
    try:
        holder.execute(LOCK)
    except LockNotAvailable:
        holder.rollback()
        return False
    return True


class Command(office_migrate.Command):
    """The office's `migrate`, which reports its progress."""

    def __init__(self, steps: int, say: Callable[[str], object]) -> None:
        super().__init__()
        self.steps, self.say = steps, say
        self.done = 0
        self.said_at = time.monotonic()

    def migration_progress_callback(
        self, action: str, migration: Any = None, fake: bool = False
    ) -> None:
        if action == "apply_success":
            self.done += 1
        if time.monotonic() - self.said_at >= EVERY:
            self.said_at = time.monotonic()
            self.say(f"  {self.done} of {self.steps}")
