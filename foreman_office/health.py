"""Health checks without a login: whether the process answers, and whether the office works."""

import socket
from typing import Any

from django.conf import settings
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from psycopg.errors import InsufficientPrivilege

from foreman_office.baseline import missing_of_old_history
from governance.models import Watcher
from kit.core.migration_files import known_migrations
from kit.core.outages import DATABASE_AWAY, reason_it_is_read_only
from kit.runtime.background_probe import SingleFlight

PATIENCE = 1.8  # seconds: a probe gives up after two
NOT_OPENED = "This office has not been opened yet: run `make run` or `manage.py migrate`."


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while this process answers. It checks nothing else."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether the office works: its database, its schema and its watcher."""
    try:
        found = look.within(PATIENCE)
    except DATABASE_AWAY as error:
        found = unknown() | {"database": failed(str(error).partition("\n")[0])}
    except TimeoutError:
        found = unknown() | {"database": failed(f"No answer within {PATIENCE} s.")}
    ready = all(check["ok"] for check in found.values())
    return JsonResponse(
        {"status": "ok" if ready else "failed", "checks": found}, status=200 if ready else 503
    )


def passed(detail: str = "") -> dict[str, Any]:
    return {"ok": True, "detail": detail}


def failed(detail: str) -> dict[str, Any]:
    return {"ok": False, "detail": detail}


def unknown() -> dict[str, Any]:
    before = failed("Not checked: an earlier check failed.")
    return {"database": before, "migrations": before, "watcher": before}


def checks() -> dict[str, Any]:
    found = unknown() | {"database": takes_changes()}
    if found["database"]["ok"]:
        found["migrations"] = migrations()
        if found["migrations"]["ok"]:
            found["watcher"] = watcher()
    return found


def takes_changes() -> dict[str, Any]:
    """Return whether the database takes changes: one is committed, which changes no row.

    A standby answers every question, and a commit may wait for a standby that is gone. An office
    that only reads is asked for no change.
    """
    if settings.FOREMAN_READ_ONLY:
        return passed(age_of_standby())
    if reason := reason_it_is_read_only():
        return failed(reason)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_logical_emit_message(true, 'readyz', '')")
    return passed()


def age_of_standby() -> str:
    """Return how old the newest change is that a standby has; nothing for another server."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float"
            " WHERE pg_is_in_recovery()"
        )
        row = cursor.fetchone()
    if row is None or row[0] is None:
        return ""
    return f"The newest change that this standby has is {row[0]:.0f} s old."


look = SingleFlight(checks)


def migrations() -> dict[str, Any]:
    missing = missing_migrations()
    if missing:
        return failed("Not applied: " + ", ".join(missing) + ".")
    return passed()


def missing_migrations() -> list[str]:
    applied = set(MigrationRecorder(connection).applied_migrations())
    wanted = known_migrations() | missing_of_old_history(applied)
    return sorted(".".join(key) for key in wanted - applied)


def reason_to_wait(command: str) -> str:
    """Return why a command cannot run yet, or the empty text.

    A database that does not answer is left to the command: the watcher waits for it.
    """
    try:
        missing = missing_migrations()
    except OperationalError:
        return ""
    except ProgrammingError as error:
        if isinstance(error.__cause__, InsufficientPrivilege):
            why = str(error).partition("\n")[0]
            return f"The database refuses its role: {why}. Run manage.py roles --check."
        raise
    finally:
        connection.close()
    if len(missing) == len(known_migrations()):
        return NOT_OPENED
    if missing and command != "backup":  # which is wanted before one migrates
        return (
            f"{len(missing)} migrations are not applied, {missing[0]} first:"
            " run `make run` or `manage.py migrate`."
        )
    return ""


def watcher() -> dict[str, Any]:
    """Return whether a watcher swept within three of its periods.

    Where this office has one itself, it is not enough that another office's does.
    """
    watchers = Watcher.objects.all()
    if settings.OFFICE_HAS_A_WATCHER:
        watchers = watchers.filter(host=socket.gethostname())
    last = watchers.order_by("-swept_at").first()
    if last is None:
        return failed("The watcher is not running: start manage.py watch.")
    if last.left_at and not watchers.alive().exists():
        return failed(f"The watcher was stopped at {last.left_at:%Y-%m-%d %H:%M:%S} UTC.")
    detail = f"The last sweep was {(now() - last.swept_at).total_seconds():.0f} s ago, by {last}."
    return passed(detail) if watchers.alive().exists() else failed(detail)
