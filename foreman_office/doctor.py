"""What is unsafe, without effect or out of order about an office, each with what to do about it."""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, NamedTuple

import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from builders.models import Builder
from builders.retention import old_heartbeats, retention
from foreman_office import health
from foreman_office.kit import pool
from foreman_office.kit.unavailable import DatabaseError

SECRET_LENGTH = 40
TOKEN_LENGTH = 16
SUPPORTED = range(15, 19)
CLOCKS_DIFFER, CLOCKS_ARE_WRONG = 1.0, 5.0  # seconds
LIMITS = {
    "statement_timeout": "60s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
LITTLE_ROOM = 1 << 30  # bytes
# The watcher removes what is old every hour; what is a day late is not being removed.
LATE = timedelta(days=1)
OURS = ("programs", "builders", "governance")


class Level(StrEnum):
    FAULT = "fault"  # unsafe, or broken
    WARNING = "warning"  # works, and not as somebody may think


class Finding(NamedTuple):
    level: Level
    about: str
    sentence: str


def fault(about: str, sentence: str) -> Finding:
    return Finding(Level.FAULT, about, sentence)


def warning(about: str, sentence: str) -> Finding:
    return Finding(Level.WARNING, about, sentence)


def examine(environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Return all that is found, faults first."""
    found = [*unsafe(), *inert(environ), *room()]
    try:
        connection.ensure_connection()
        found += [*pooler(), *server(), *clock(), *schema()]
        # Without its tables there is nothing more to ask.
        if not any(finding.about == "migrations" for finding in found):
            found += [*watching(), *people()]
    except DatabaseError as error:
        sentence = f"The database cannot be used: {pool.explain(error)}"
        found.append(fault("database", sentence))
    return sorted(found, key=lambda finding: finding.level)


# --- settings -------------------------------------------------------------------------------------


def is_public() -> bool:
    """Tell whether others than this machine can knock."""
    try:
        return not ip_address(settings.FOREMAN_BIND).is_loopback
    except ValueError:
        return settings.FOREMAN_BIND != "localhost"


def unsafe() -> Iterator[Finding]:
    public = is_public()
    serious = fault if public else warning
    if settings.DEBUG:
        yield serious("DEBUG", "Error pages show code and settings to everybody: unset DEBUG.")
    if len(settings.SECRET_KEY) < SECRET_LENGTH or len(set(settings.SECRET_KEY)) < 10:
        yield serious(
            "SECRET_KEY",
            "It can be guessed, and with it a session: set it to 50 random characters.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield serious(
            "ALLOWED_HOSTS",
            "The office answers to any name, so links in it can be made to lead elsewhere: name"
            " the hosts.",
        )
    if public and not settings.HTTPS:
        yield fault(
            "HTTPS",
            f"The office listens on {settings.FOREMAN_BIND} without TLS, so passwords and tokens"
            " pass in the clear: put a proxy with TLS before it and set HTTPS=true.",
        )
    if settings.FOREMAN_METRICS_TOKEN and len(settings.FOREMAN_METRICS_TOKEN) < TOKEN_LENGTH:
        yield serious("FOREMAN_METRICS_TOKEN", "It can be guessed: set it to 30 random characters.")
    if settings.FOREMAN_SIMULATION:
        yield (warning if settings.EMBEDDED else fault)(
            "FOREMAN_SIMULATION",
            "Simulated builders report to this office beside the real ones: unset it for work.",
        )


def inert(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Find what was set and does nothing."""
    local = {"localhost", "127.0.0.1", "[::1]"}
    if is_public() and set(settings.ALLOWED_HOSTS) <= local:
        yield warning(
            "ALLOWED_HOSTS",
            f"The office listens on {settings.FOREMAN_BIND} and answers to localhost alone; whoever"
            " comes from elsewhere gets 400: add the name by which it is reached.",
        )
    plain = [o for o in settings.CSRF_TRUSTED_ORIGINS if o.startswith("http://")]
    if settings.HTTPS and plain:
        yield warning(
            "CSRF_TRUSTED_ORIGINS", f"{plain[0]} never posts: HTTPS=true lets nothing plain in."
        )
    if settings.EMBEDDED and settings.DATABASE_POOLED:
        yield warning(
            "DATABASE_POOLED",
            "There is no pooler before the office's own server, and time limits are off for it:"
            " unset it.",
        )
    if settings.EMBEDDED and settings.DATABASE_LISTEN_URL:
        yield fault(
            "DATABASE_LISTEN_URL",
            "The office works on its own server and listens to another: unset it, or set"
            " DATABASE_URL too.",
        )
    if settings.DATABASE_POOLED and not settings.DATABASE_LISTEN_URL and not settings.EMBEDDED:
        yield warning(
            "DATABASE_LISTEN_URL",
            "Behind a transaction pooler nothing can be heard, so pages ask again and again: set it"
            " to the address of PostgreSQL itself.",
        )
    if settings.FOREMAN_AT_ONCE > settings.WEB_THREADS:
        yield warning(
            "FOREMAN_AT_ONCE",
            f"It is more than WEB_THREADS ({settings.WEB_THREADS}), so there is nobody to work on"
            " the rest: take fewer, or more threads.",
        )
    if "FOREMAN_SIMULATION_SEED" in environ and not settings.FOREMAN_SIMULATION:
        yield warning(
            "FOREMAN_SIMULATION_SEED", "Nothing is simulated: unset it, or set FOREMAN_SIMULATION."
        )
    known = {name for name in dir(settings) if name.startswith("FOREMAN_")}
    for name in sorted(environ):
        if name.startswith("FOREMAN_") and name not in known:
            close = get_close_matches(name, known, n=1)
            meant = f" Was {close[0]} meant?" if close else ""
            yield warning(name, f"The office knows no such setting.{meant}")


def room() -> Iterator[Finding]:
    settings.FOREMAN_VAR.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.FOREMAN_VAR).free
    if settings.EMBEDDED and free < LITTLE_ROOM:
        yield warning(
            "disk",
            f"There are {free >> 20:,} MiB left under {settings.FOREMAN_VAR}; a full disk stops the"
            " database: make room.",
        )


# --- the database ---------------------------------------------------------------------------------


def ask(query: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def pooler() -> Iterator[Finding]:
    """See who answers: a pooler's connection has another number than the server's behind it."""
    found = is_pooled(connection.connection)
    if found and not settings.DATABASE_POOLED:
        yield warning(
            "DATABASE_POOLED",
            "There is a pooler before the database. If it gives each transaction another"
            " connection, set DATABASE_POOLED=true.",
        )
    if settings.DATABASE_POOLED and not found and not settings.EMBEDDED:
        yield warning(
            "DATABASE_POOLED",
            "There is no pooler before the database, and time limits are off for it: unset it.",
        )
    if settings.DATABASE_LISTEN_URL:
        yield from listening()


def is_pooled(session: psycopg.Connection) -> bool:
    row = session.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] != session.info.backend_pid


def listening() -> Iterator[Finding]:
    same = "SELECT current_database(), pg_postmaster_start_time()"
    about = "DATABASE_LISTEN_URL"
    try:
        with psycopg.connect(settings.DATABASE_LISTEN_URL, connect_timeout=5) as session:
            if is_pooled(session):
                yield fault(
                    about, "It is the address of a pooler, too: take that of PostgreSQL itself."
                )
            elif session.execute(same).fetchone() != ask(same):
                yield fault(about, "It leads to another database than DATABASE_URL.")
    except psycopg.OperationalError as error:
        yield fault(about, f"Nobody can listen there: {str(error).strip()}")


def server() -> Iterator[Finding]:
    major, _ = connection.get_database_version()
    if major not in SUPPORTED:
        first, last = SUPPORTED[0], SUPPORTED[-1]
        yield fault("database", f"It is PostgreSQL {major}; the office needs {first} to {last}.")
    role = ask("SELECT quote_ident(current_user)")[0]
    unlimited = [
        f"ALTER ROLE {role} SET {name} = '{limit}';"
        for name, limit in LIMITS.items()
        if ask(f"SHOW {name}")[0] == "0"
    ]
    if unlimited:
        yield fault(
            "time limits",
            "What waits in the database waits for ever, and pages with it. Let whoever may do so"
            f" say: {' '.join(unlimited)}",
        )
    if (
        not settings.EMBEDDED
        and ask("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")[0]
    ):
        yield warning(
            "DATABASE_URL",
            "The office comes as a superuser, who can switch every rule off: give it a role"
            " that owns its database and no more.",
        )
    mine = settings.WEB_WORKERS * (settings.FOREMAN_DB_POOL_SIZE or settings.WEB_THREADS)
    # Each process listens and has one for heartbeats, and there is the watcher.
    wanted = mine + 2 * settings.WEB_WORKERS + 1
    most = int(ask("SHOW max_connections")[0])
    if not settings.DATABASE_POOLED and wanted > most:
        yield fault(
            "FOREMAN_DB_POOL_SIZE",
            f"This office alone may want {wanted} connections and the server has {most}: take a"
            " smaller pool, or put a transaction pooler between.",
        )


def clock() -> Iterator[Finding]:
    before = time.time()
    (theirs,) = ask("SELECT extract(epoch FROM clock_timestamp())::float")
    ahead = (before + time.time()) / 2 - theirs
    if abs(ahead) >= CLOCKS_DIFFER:
        yield (fault if abs(ahead) >= CLOCKS_ARE_WRONG else warning)(
            "clock",
            f"The clock here is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} the"
            " database's, so ages are wrong by as much: let both keep time (NTP).",
        )


def schema() -> Iterator[Finding]:
    if missing := health.missing_migrations():
        yield fault(
            "migrations",
            f"{len(missing)} are not applied, {missing[0]} first: run manage.py migrate.",
        )
    applied = set(MigrationRecorder(connection).applied_migrations())
    newer = sorted(key for key in applied - health.known_migrations() if key[0] in OURS)
    if newer:
        yield fault(
            "version",
            f"The database is a newer office's: it has {'.'.join(newer[0])}, unknown here. Take the"
            " office that made it, or a backup from before.",
        )


def watching() -> Iterator[Finding]:
    found = health.watcher()
    if not found["ok"]:
        yield fault("watcher", f"{found['detail']} A builder that falls silent is not stopped.")
    late = retention() + LATE
    if any(old_heartbeats(builder, late).exists() for builder in Builder.objects.all()):
        yield warning(
            "FOREMAN_HEARTBEAT_RETENTION_DAYS",
            f"There are heartbeats older than {late.days} days: the watcher removes some each hour;"
            " manage.py prune_heartbeats removes all.",
        )


def people() -> Iterator[Finding]:
    if not get_user_model().objects.filter(is_active=True).exists():
        yield warning("users", "Nobody can log in: run manage.py createsuperuser.")
