"""Whether the office is alive, and whether it does its work: asked by what runs it, no login."""

from functools import cache
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from governance.models import Watcher


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that this process answers. It asks nothing of anybody else."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether the office can do its work: with its database, its schema and its watcher."""
    unknown = failed("Not known without what comes before it.")
    checks = {"database": unknown, "migrations": unknown, "watcher": unknown}
    try:
        checks["migrations"] = migrations()
        checks["database"] = passed()
        if checks["migrations"]["ok"]:
            checks["watcher"] = watcher()
    except (OperationalError, InterfaceError) as error:
        checks["database"] = failed(str(error).partition("\n")[0])
    ready = all(check["ok"] for check in checks.values())
    return JsonResponse(
        {"status": "ok" if ready else "failed", "checks": checks}, status=200 if ready else 503
    )


def passed(detail: str = "") -> dict[str, Any]:
    return {"ok": True, "detail": detail}


def failed(detail: str) -> dict[str, Any]:
    return {"ok": False, "detail": detail}


def migrations() -> dict[str, Any]:
    missing = sorted(known_migrations() - set(MigrationRecorder(connection).applied_migrations()))
    if missing:
        return failed("Not applied: " + ", ".join(".".join(key) for key in missing) + ".")
    return passed()


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
