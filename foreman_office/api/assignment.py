"""The assignment of a builder: what it is to build, now or as soon as that changes."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from foreman_office.api.callers import Bearer
from foreman_office.api.instruction import Assignment
from foreman_office.api.waiting import LONGEST, awaited_assignment, etag_of
from kit.web.api import Errors, refuse_other_parameters

router = Router(auth=Bearer())

Wait = Annotated[
    int,
    Query(
        ge=0,
        le=3600,
        description="Seconds to wait for an assignment if there is none, or for a change of the"
        f" one that If-None-Match names; {LONGEST} at most.",
    ),
]


@router.get(
    "/assignment",
    operation_id="governance_api_assignment",
    response={200: Assignment, 304: None, frozenset({401, 403, 422, 503}): Errors},
)
def assignment(
    request: HttpRequest, response: HttpResponse, wait: Wait = 0
) -> Assignment | Status[None]:
    """Return the builder's assigned task, with everything that it needs to build it.

    The answer also has where and how to report, and whether each condition of completion is met.

    To wait, name the seconds: the office answers once there is a task. With the ETag of an earlier
    answer in If-None-Match it answers once the assignment is another one, and 304 if it is not.
    An answer that comes early says in Retry-After when to ask again.
    """
    known = request.headers.get("If-None-Match", "")
    # A misspelt `wait` would make a poll of what was to wait.
    refuse_other_parameters(request, "wait")
    told, retry_after = awaited_assignment(request, known, wait)
    response.headers["ETag"] = etag_of(told)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return Status(304, None) if known == etag_of(told) else told
