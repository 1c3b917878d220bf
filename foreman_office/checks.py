"""Django system checks: what is unsafe, has no effect or is out of order, each with a remedy.

`manage.py doctor` runs them all; so does `manage.py check --deploy --database default`. They are
deployment checks, so other commands, `migrate` among them, do not stop for what they find.
"""

import shutil
import time
from collections.abc import Collection, Iterator
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import ip_address
from os import environ
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Tags, register, run_checks
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Exists, OuterRef

from builders.models import Builder
from builders.prices import PriceListError, price_list
from builders.retention import old_heartbeats, retention
from foreman_office import health
from foreman_office.baseline import OLD_NAMES
from foreman_office.database_roles.findings import (
    findings_of_members,
    findings_of_roles,
    findings_of_rules,
)
from foreman_office.notifications.findings import findings_of_notifications
from governance.sealing.findings import findings_of_sealing
from kit.core.findings import TAG, fault, warning
from kit.core.migration_files import known_migrations
from kit.core.outages import DATABASE_AWAY, reason_it_is_read_only
from kit.runtime import pool
from kit.runtime.database_addresses import LIMITS, MEMBERS_ADDRESS, OTHER_ADDRESSES
from programs.models import Organisation, Program

SECRET_LENGTH = 40
TOKEN_LENGTH = 16
SUPPORTED = range(15, 19)
CLOCKS_DIFFER, CLOCKS_ARE_WRONG = 1.0, 5.0  # seconds
LITTLE_ROOM = 1 << 30  # bytes
# The watcher removes what is old every hour; what is a day late is not being removed.
LATE = timedelta(days=1)
MESSENGERS = 7  # connections: of the queue, one that listens, and one a message
NAMED = 5  # programs in one sentence
OURS = ("programs", "builders", "governance")


def examine() -> list[CheckMessage]:
    """Return what all checks of the office find, faults first, without what is silenced."""
    found = run_checks(tags=[TAG], include_deployment_checks=True, databases=[DEFAULT_DB_ALIAS])
    return sorted(
        (each for each in found if not each.is_silenced()),
        key=lambda each: (-each.level, each.id[-3:]),
    )


@register(TAG, Tags.security, deploy=True)
def check_security(**kwargs: Any) -> list[CheckMessage]:
    return [*unsafe()]


@register(TAG, deploy=True)
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    return [*inert()]


@register(TAG, Tags.database, deploy=True)
def check_database(databases: Collection[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    return [*database()] if DEFAULT_DB_ALIAS in (databases or ()) else []


# --- settings -------------------------------------------------------------------------------------


def is_public() -> bool:
    """Return whether FOREMAN_BIND can be reached from other hosts."""
    try:
        return not ip_address(settings.FOREMAN_BIND).is_loopback
    except ValueError:
        return settings.FOREMAN_BIND != "localhost"


def unsafe() -> Iterator[CheckMessage]:
    """Return findings about what lets others in."""
    public = is_public()
    serious = fault if public else warning
    if settings.DEBUG:
        yield serious(1, "DEBUG", "Error pages show code and settings to everyone: unset DEBUG.")
    if len(settings.SECRET_KEY) < SECRET_LENGTH or len(set(settings.SECRET_KEY)) < 10:
        yield serious(
            2,
            "SECRET_KEY",
            "It can be guessed, and sessions forged with it: set it to 50 random characters.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield serious(
            3,
            "ALLOWED_HOSTS",
            "The office accepts any host name, so its links can be forged to point elsewhere: list"
            " the hosts.",
        )
    if public and not settings.HTTPS:
        yield fault(
            4,
            "HTTPS",
            f"The office listens on {settings.FOREMAN_BIND} without TLS, so passwords and tokens"
            " are sent unencrypted: put a TLS proxy in front of it and set HTTPS=true.",
        )
    if settings.FOREMAN_METRICS_TOKEN and len(settings.FOREMAN_METRICS_TOKEN) < TOKEN_LENGTH:
        yield serious(
            5, "FOREMAN_METRICS_TOKEN", "It can be guessed: set it to 30 random characters."
        )
    if settings.HTTPS and not settings.FOREMAN_PROXIES:
        yield warning(
            7,
            "FOREMAN_PROXIES",
            "The office is behind a proxy and does not read X-Forwarded-For, so all clients count"
            " as one when logins fail: set it to the number of proxies.",
        )
    if settings.FOREMAN_SIMULATION:
        yield (warning if settings.EMBEDDED else fault)(
            6,
            "FOREMAN_SIMULATION",
            "Simulated builders report to this office beside real ones: unset it for real work.",
        )


def inert() -> Iterator[CheckMessage]:
    """Return findings about settings that have no effect."""
    local = {"localhost", "127.0.0.1", "[::1]"}
    if is_public() and set(settings.ALLOWED_HOSTS) <= local:
        yield warning(
            11,
            "ALLOWED_HOSTS",
            f"The office listens on {settings.FOREMAN_BIND} but accepts only localhost as its host"
            " name; other clients get 400: add the name under which it is reached.",
        )
    plain = [o for o in settings.CSRF_TRUSTED_ORIGINS if o.startswith("http://")]
    if settings.HTTPS and plain:
        yield warning(
            12, "CSRF_TRUSTED_ORIGINS", f"{plain[0]} cannot post: HTTPS=true accepts no plain HTTP."
        )
    if settings.EMBEDDED and settings.DATABASE_POOLED:
        yield warning(
            13,
            "DATABASE_POOLED",
            "The office's own server has no pooler, and this setting turns its time limits off:"
            " unset it.",
        )
    if settings.EMBEDDED and settings.DATABASE_LISTEN_URL:
        yield fault(
            14,
            "DATABASE_LISTEN_URL",
            "The office uses its own server but listens on another one: unset it, or set"
            " DATABASE_URL too.",
        )
    for name in (*OTHER_ADDRESSES, MEMBERS_ADDRESS):
        if settings.EMBEDDED and environ.get(name):
            yield warning(
                16,
                name,
                "The office's own server has its roles already: unset it, or set DATABASE_URL too.",
            )
    if settings.DATABASE_POOLED and not settings.DATABASE_LISTEN_URL and not settings.EMBEDDED:
        yield warning(
            15,
            "DATABASE_LISTEN_URL",
            "The office cannot listen through a transaction pooler, so pages poll: set it to the"
            " address of PostgreSQL itself.",
        )
    if "FOREMAN_SIMULATION_SEED" in environ and not settings.FOREMAN_SIMULATION:
        yield warning(
            17,
            "FOREMAN_SIMULATION_SEED",
            "Nothing is simulated: unset it, or set FOREMAN_SIMULATION.",
        )
    try:
        price_list()
    except PriceListError as error:
        yield warning(19, "FOREMAN_PRICES", f"Nothing is estimated: {error}")
    known = {name for name in dir(settings) if name.startswith("FOREMAN_")}
    for name in sorted(environ):
        if name.startswith("FOREMAN_") and name not in known:
            close = get_close_matches(name, known, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            yield warning(18, name, f"The office has no such setting.{meant}")


def room() -> Iterator[CheckMessage]:
    settings.FOREMAN_VAR.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.FOREMAN_VAR).free
    if settings.EMBEDDED and free < LITTLE_ROOM:
        yield warning(
            21,
            "disk",
            f"There are {free >> 20:,} MiB left under {settings.FOREMAN_VAR}; a full disk stops the"
            " database: free space.",
        )


# --- the database ---------------------------------------------------------------------------------


def database() -> Iterator[CheckMessage]:
    """Return findings about the database and its contents."""
    yield from room()
    try:
        connection.ensure_connection()
        yield from (*pooler(), *server(), *clock())
        unfit = [*schema()]
        yield from unfit or findings_of_rules()
        # Without its tables there is nothing more to ask.
        if not any(finding.obj == "migrations" for finding in unfit):
            yield from (*watching(), *people(), *findings_of_sealing())
            yield from (*findings_of_notifications(), *findings_of_members(), *organisations())
    except DATABASE_AWAY as error:
        yield fault(
            20, "database", f"The database cannot be used: {pool.explain_connection_error(error)}"
        )


def ask(query: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def pooler() -> Iterator[CheckMessage]:
    """Compare process ids: behind a pooler the server's is not that of the connection."""
    found = is_pooled(connection.connection)
    if found and not settings.DATABASE_POOLED:
        yield warning(
            22,
            "DATABASE_POOLED",
            "There is an undeclared pooler in front of the database. If it pools by transaction,"
            " set DATABASE_POOLED=true.",
        )
    if settings.DATABASE_POOLED and not found and not settings.EMBEDDED:
        yield warning(
            23,
            "DATABASE_POOLED",
            "The database has no pooler, and this setting turns time limits off: unset it.",
        )
    if settings.DATABASE_LISTEN_URL:
        yield from listening()


def is_pooled(session: psycopg.Connection) -> bool:
    row = session.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] != session.info.backend_pid


def listening() -> Iterator[CheckMessage]:
    same = "SELECT current_database(), pg_postmaster_start_time()"
    about = "DATABASE_LISTEN_URL"
    try:
        with psycopg.connect(settings.DATABASE_LISTEN_URL, connect_timeout=5) as session:
            if is_pooled(session):
                yield fault(
                    24,
                    about,
                    "It is the address of a pooler too: set the address of PostgreSQL itself.",
                )
            elif session.execute(same).fetchone() != ask(same):
                yield fault(25, about, "It is the address of another database than DATABASE_URL.")
    except psycopg.OperationalError as error:
        yield fault(26, about, f"The office cannot listen there: {str(error).strip()}")


def server() -> Iterator[CheckMessage]:
    major, _ = connection.get_database_version()
    if major not in SUPPORTED:
        first, last = SUPPORTED[0], SUPPORTED[-1]
        yield fault(
            31, "database", f"It is PostgreSQL {major}; the office needs {first} to {last}."
        )
    role = ask("SELECT quote_ident(current_user)")[0]
    unlimited = [
        f"ALTER ROLE {role} SET {name} = '{limit}';"
        for name, limit in LIMITS.items()
        if ask(f"SHOW {name}")[0] == "0"
    ]
    if unlimited:
        yield fault(
            32,
            "time limits",
            "The role has no time limits, so statements and pages can wait for ever. As an"
            f" administrator of the database, run: {' '.join(unlimited)}",
        )
    if not settings.FOREMAN_READ_ONLY and (reason := reason_it_is_read_only()):
        yield fault(
            38,
            "database",
            f"{reason} Set DATABASE_URL to the address of the primary, or of several servers with"
            " target_session_attrs=read-write.",
        )
    yield from findings_of_roles()
    mine = settings.WEB_WORKERS * (settings.FOREMAN_DB_POOL_SIZE or settings.WEB_THREADS)
    # Each process listens and has one for heartbeats; there are the watcher and who delivers.
    wanted = mine + 2 * settings.WEB_WORKERS + 1 + MESSENGERS
    most = int(ask("SHOW max_connections")[0])
    if not settings.DATABASE_POOLED and wanted > most:
        yield fault(
            34,
            "FOREMAN_DB_POOL_SIZE",
            f"This office alone may use {wanted} connections and the server allows {most}: use a"
            " smaller pool, or put a transaction pooler in between.",
        )


def clock() -> Iterator[CheckMessage]:
    before = time.time()
    (theirs,) = ask("SELECT extract(epoch FROM clock_timestamp())::float")
    ahead = (before + time.time()) / 2 - theirs
    if abs(ahead) >= CLOCKS_DIFFER:
        yield (fault if abs(ahead) >= CLOCKS_ARE_WRONG else warning)(
            35,
            "clock",
            f"The clock here is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} the"
            " database's, so ages are wrong by as much: synchronise both clocks (NTP).",
        )


def schema() -> Iterator[CheckMessage]:
    if missing := health.missing_migrations():
        yield fault(
            36,
            "migrations",
            f"{len(missing)} are not applied, {missing[0]} first: run manage.py migrate.",
        )
    applied = set(MigrationRecorder(connection).applied_migrations())
    known = known_migrations() | OLD_NAMES
    newer = sorted(key for key in applied - known if key[0] in OURS)
    if newer:
        yield fault(
            37,
            "version",
            f"The database belongs to a newer office: it has {'.'.join(newer[0])}, unknown here."
            " Use the version that made it, or an older backup.",
        )


def watching() -> Iterator[CheckMessage]:
    found = health.watcher()
    if not found["ok"]:
        yield fault(41, "watcher", f"{found['detail']} Stalls are not being declared.")
    late = retention() + LATE
    if any(old_heartbeats(builder, late).exists() for builder in Builder.objects.all()):
        yield warning(
            42,
            "FOREMAN_HEARTBEAT_RETENTION_DAYS",
            f"There are heartbeats older than {late.days} days: the watcher removes some each hour;"
            " manage.py prune_heartbeats removes all of them.",
        )


def people() -> Iterator[CheckMessage]:
    if not get_user_model().objects.filter(is_active=True).exists():
        yield warning(43, "users", "Nobody can log in: run manage.py createsuperuser.")


def organisations() -> Iterator[CheckMessage]:
    """Return which programs belong to an organisation that is none."""
    known = Organisation.objects.filter(pk=OuterRef("organisation_id"))
    lost = Program.objects.exclude(organisation_id=None).exclude(Exists(known)).order_by("name")
    if names := [*lost.values_list("name", flat=True)[: NAMED + 1]]:
        more = ", …" if len(names) > NAMED else ""
        yield warning(
            46,
            "organisations",
            f"There is no organisation of: {', '.join(names[:NAMED])}{more}. Only the office itself"
            " sees such programs. manage.py organisation move PROGRAM ORGANISATION gives one to an"
            " organisation, and --to-the-office to the office itself.",
        )
