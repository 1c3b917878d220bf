"""What is answered while the office cannot do its work: 503, why, and when to ask again."""

import errno
import sqlite3
import sys
from typing import TypeGuard

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.log import log_response
from psycopg import errors

from foreman_office.kit import request_id
from foreman_office.kit.api import error, refuse
from foreman_office.kit.decide import came_from

DatabaseError = (OperationalError, InterfaceError)
RETRY_AFTER = 2  # seconds


class Crowded(Exception):
    """Too many requests are being answered for one more to get its turn."""


# Whatever else is operational means that the database is away.
AWAY = ("database_away", "The office cannot reach its database. It goes on as soon as it can.")
BUSY = ("database_busy", "Somebody else holds what this needs, and holds it long.")
CROWDED = ("office_crowded", "The office is asked more than it can answer at once.")
FULL = ("database_full", "The disk of the database is full. Somebody has to make room on it.")
NO_ROOM = (
    "office_full",
    "The office has no room left for temporary files. Somebody has to make room on its disk.",
)
KINDS: list[tuple[type[Exception], tuple[str, str]]] = [
    (errors.LockNotAvailable, BUSY),
    (errors.QueryCanceled, BUSY),
    (errors.DeadlockDetected, BUSY),
    (errors.DiskFull, FULL),
    (Crowded, CROWDED),
    (OSError, NO_ROOM),
    (sqlite3.OperationalError, NO_ROOM),
]
NO_ROOM_FOR_FILES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_ROOM_FOR_SQLITE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}


def is_outage(failure: BaseException | None) -> TypeGuard[Exception]:
    """Tell whether something failed because the database is away, or because a disk is full."""
    return isinstance(failure, DatabaseError) or lacks_room(failure)


def lacks_room(failure: BaseException | None) -> bool:
    """Tell whether a file of the office's own, which it writes as it reads, has found no room."""
    if isinstance(failure, sqlite3.OperationalError):
        return failure.sqlite_errorcode & 0xFF in NO_ROOM_FOR_SQLITE
    return isinstance(failure, OSError) and failure.errno in NO_ROOM_FOR_FILES


def unavailable(request: HttpRequest, failure: Exception) -> HttpResponse:
    """Say that the office cannot do its work now, in the form that was asked for.

    What failed at its very end may have been done: only an answer of success acknowledges.
    """
    cause = failure.__cause__ or failure
    rule, message = next((said for kind, said in KINDS if isinstance(cause, kind)), AWAY)
    response: HttpResponse
    if request.path_info.startswith("/api/"):
        response = refuse(503, error(None, rule, message))
    elif not request.accepts("text/html"):
        response = JsonResponse({"rule": rule, "message": message}, status=503)
    else:
        back = request.get_full_path() if request.method == "GET" else came_from(request)
        context = {"rule": rule, "message": message, "back": back or "/"}
        part = "#part" if request.headers.get("HX-Request") else ""
        response = render(request, f"503.html{part}", context, status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    add_never_cache_headers(response)
    reason = str(cause).partition("\n")[0]
    # One line without a traceback: an outage is no bug, and brings many of these.
    log_response("%s: %s: %s", request.path, rule, reason, request=request, response=response)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what no middleware could: a session that cannot be kept is the database's fault."""
    failure = sys.exception()
    if is_outage(failure):
        return unavailable(request, failure)
    name = {"name": request_id.current.get()}
    return HttpResponseServerError(render_to_string("500.html", name))
