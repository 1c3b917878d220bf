"""Whether the office is alive, and whether it does its work: asked by what runs it, no login."""

from functools import cache
from typing import Any

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from foreman_office.kit.look import Look
from foreman_office.kit.unavailable import DatabaseError
from governance.models import Watcher

PATIENCE = 1.8  # seconds: whoever asks gives up after two


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that this process answers. It asks nothing of anybody else."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether the office can do its work: with its database, its schema and its watcher."""
    try:
        found = look.within(PATIENCE)
    except DatabaseError as error:
        found = unknown() | {"database": failed(str(error).partition("\n")[0])}
    except TimeoutError:
        found = unknown() | {"database": failed(f"It does not answer within {PATIENCE} s.")}
    ready = all(check["ok"] for check in found.values())
    return JsonResponse(
        {"status": "ok" if ready else "failed", "checks": found}, status=200 if ready else 503
    )


def passed(detail: str = "") -> dict[str, Any]:
    return {"ok": True, "detail": detail}


def failed(detail: str) -> dict[str, Any]:
    return {"ok": False, "detail": detail}


def unknown() -> dict[str, Any]:
    before = failed("Not known without what comes before it.")
    return {"database": before, "migrations": before, "watcher": before}


def checks() -> dict[str, Any]:
    found = unknown() | {"migrations": migrations(), "database": passed()}
    if found["migrations"]["ok"]:
        found["watcher"] = watcher()
    return found


look = Look(checks)


def migrations() -> dict[str, Any]:
    missing = missing_migrations()
    if missing:
        return failed("Not applied: " + ", ".join(missing) + ".")
    return passed()


def missing_migrations() -> list[str]:
    applied = set(MigrationRecorder(connection).applied_migrations())
    return sorted(".".join(key) for key in known_migrations() - applied)


@cache
def known_migrations() -> set[tuple[str, str]]:
    """Return what this code brings along, read from its files once."""
    return set(MigrationLoader(None).disk_migrations)


def watcher() -> dict[str, Any]:
    """Tell whether somebody swept within three periods."""
    last = Watcher.objects.order_by("-swept_at").first()
    if last is None:
        return failed("Nobody watches: start manage.py watch.")
    detail = f"The last sweep was {(now() - last.swept_at).total_seconds():.0f} s ago, by {last}."
    return passed(detail) if Watcher.objects.alive().exists() else failed(detail)
