"""The answers while the office cannot work: 503, the reason, and when to retry.

An error that repeating cannot mend is none of these, though psycopg calls it operational as well.
"""

import errno
import sys
from typing import TypeGuard

from django.http import HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.log import log_response
from psycopg import errors
from psycopg_pool import PoolTimeout

from kit.core import request_id
from kit.core.acts import Refused
from kit.core.outages import (
    DATABASE_AWAY,
    UnconfirmedCommitError,
    is_read_only,
    leave_servers,
)
from kit.web.api import error, is_api, refuse
from kit.web.decision_forms import came_from
from kit.web.later import CROWDED, TryLater

RETRY_AFTER = 2  # seconds
LIMIT = "database_limit"


# Whatever else is operational means that the database is away.
AWAY = ("database_away", "The office cannot reach its database. It resumes on its own.")
READ_ONLY = (
    "database_read_only",
    "The database takes no changes now: it is a standby, or is being switched over. The office"
    " resumes on its own.",
)
UNCONFIRMED = (
    "database_unconfirmed",
    "No standby of the database confirms changes. This one may be lost with the server: send it"
    " again later.",
)
BUSY = ("database_busy", "Another transaction holds a lock that this needs.")
FULL = ("database_full", "The disk of the database is full. An administrator must free space.")
NO_ROOM = (
    "office_full",
    "The disk for the office's temporary files is full. An administrator must free space.",
)
KINDS: list[tuple[type[Exception], tuple[str, str]]] = [
    (errors.LockNotAvailable, BUSY),
    (errors.QueryCanceled, BUSY),
    (errors.DeadlockDetected, BUSY),
    (errors.ReadOnlySqlTransaction, READ_ONLY),
    (UnconfirmedCommitError, UNCONFIRMED),
    (errors.DiskFull, FULL),
    (PoolTimeout, CROWDED),
    (OSError, NO_ROOM),
]
# Bounds that PostgreSQL or its administrator has set: who sends the same again meets them again.
BEYOND_A_LIMIT = (
    errors.ProgramLimitExceeded,
    errors.StatementTooComplex,
    errors.TooManyColumns,
    errors.TooManyArguments,
    errors.ConfigurationLimitExceeded,
)
NO_ROOM_FOR_FILES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_outage(failure: BaseException | None) -> TypeGuard[Exception]:
    """Return whether something failed because the database is away, or because a disk is full."""
    if is_beyond_a_limit(failure):
        return False
    return isinstance(failure, DATABASE_AWAY) or is_read_only(failure) or lacks_room(failure)


def is_beyond_a_limit(failure: BaseException | None) -> TypeGuard[Exception]:
    """Return whether something is too large or too complex for the database, now and always."""
    return failure is not None and isinstance(failure.__cause__ or failure, BEYOND_A_LIMIT)


def lacks_room(failure: BaseException | None) -> bool:
    """Return whether a file of the office's own, which it writes as it reads, has found no room."""
    return isinstance(failure, OSError) and failure.errno in NO_ROOM_FOR_FILES


def unavailable(request: HttpRequest, failure: Exception) -> HttpResponse:
    """Return that the office cannot do its work now, in the form that was asked for.

    What failed at its very end may have been done: only an answer of success acknowledges.
    """
    cause = failure.__cause__ or failure
    if is_read_only(failure):
        leave_servers()
    rule, message = next((said for kind, said in KINDS if isinstance(cause, kind)), AWAY)
    response: HttpResponse
    if is_api(request):
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


def try_later(request: HttpRequest, refusal: TryLater) -> HttpResponse:
    """Answer with the reason and when to try again, in the form that was asked for."""
    response: HttpResponse
    if is_api(request):
        response = refuse(refusal.status, error(None, refusal.rule, refusal.message))
    elif not request.accepts("text/html"):
        body = {"rule": refusal.rule, "message": refusal.message}
        response = JsonResponse(body, status=refusal.status)
    else:
        part = "#part" if request.headers.get("HX-Request") else ""
        back = request.get_full_path()
        context = {"refusal": refusal, "back": back}
        response = render(request, f"later.html{part}", context, status=refusal.status)
    response.headers["Retry-After"] = str(refusal.seconds)
    return response


def beyond_a_limit(request: HttpRequest, failure: Exception) -> HttpResponse:
    """Return that the database refuses this for its size: repeating it changes nothing."""
    reason = str(failure.__cause__ or failure).partition("\n")[0]
    message = f"This is too large for the database: {reason}."
    status = 500 if request.method in ("GET", "HEAD") else 422
    if is_api(request):
        return refuse(status, error(None, LIMIT, message))
    if not request.accepts("text/html"):
        return JsonResponse({"rule": LIMIT, "message": message}, status=status)
    part = "#part" if request.headers.get("HX-Request") else ""
    context = {
        "refused": Refused(LIMIT, message),
        "status": status,
        "back": came_from(request) or "/",
    }
    return render(request, f"refused.html{part}", context, status=status)


def database_failed(request: HttpRequest, failure: Exception) -> HttpResponse:
    """Answer an operational error of the database by whether a retry can help."""
    answer = beyond_a_limit if is_beyond_a_limit(failure) else unavailable
    return answer(request, failure)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error outside the middleware: the database's if a session cannot be read."""
    failure = sys.exception()
    if is_outage(failure):
        return unavailable(request, failure)
    name = {"name": request_id.current.get()}
    return HttpResponseServerError(render_to_string("500.html", name))
