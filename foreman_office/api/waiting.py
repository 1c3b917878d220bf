"""Long polls: an assignment is told as soon as it changes.

A poll that waits is a stream of `kit/live` to which nothing is written: a sleeping thread beside
those that answer requests, without a connection of the database.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Collection
from threading import BoundedSemaphore

from django.db import close_old_connections
from django.http import HttpRequest

from foreman_office.api.callers import Bearer, calling_builder, organisation_of, work_for
from foreman_office.api.instruction import Assignment, assignment_of
from kit.live.hub import Full, can_listen, hub
from kit.live.stream import Stream
from kit.web.api import unauthorized

# Seconds: proxies give up on an answer after sixty, unless they are told otherwise.
LONGEST = 50
# Seconds after which the token and the assignment are looked at, whatever was announced; and while
# this process hears no announcements.
LOOK, LOOK_WHILE_DEAF = 15, 3
# Polls of one builder that wait in a process: pages need the other streams.
MOST_OF_A_BUILDER = 4
RETRY_AFTER = 5  # seconds until the next poll, if this one may not wait

_places: defaultdict[str, BoundedSemaphore] = defaultdict(
    lambda: BoundedSemaphore(MOST_OF_A_BUILDER)
)


def awaited_assignment(
    request: HttpRequest, known: str, seconds: float
) -> tuple[Assignment, int | None]:
    """Return the assignment once it differs from the known one, or when time is up.

    The second value is None, or when to ask again: the office did not let this poll wait.
    """
    began, since = time.monotonic(), time.time()
    told = read_assignment(request)
    if not seconds or is_news(told, known):
        return told, None
    place = _places[told.builder_id]
    if not can_listen() or not place.acquire(blocking=False):
        return told, RETRY_AFTER
    try:
        client = request.META.get("gunicorn.socket")
        stream = hub.open(
            *(topics_of(told), since, client),
            silent=True,
            organisation=organisation_of(request),
        )
    except Full:
        return told, RETRY_AFTER
    else:
        try:
            deadline = began + min(seconds, LONGEST)
            return await_news(request, stream, known, told, deadline), None
        finally:
            hub.close(stream)
    finally:
        place.release()
        request.waited = time.monotonic() - began  # type: ignore[attr-defined]


def await_news(
    request: HttpRequest, stream: Stream, known: str, told: Assignment, deadline: float
) -> Assignment:
    """Read the assignment whenever something about it is announced, until it is news."""
    while not hub.closing and (left := deadline - time.monotonic()) > 0:
        if not hub.take(stream):
            work_for(request, None)
            close_old_connections()  # a thread that sleeps holds none
            step = LOOK if hub.listening else LOOK_WHILE_DEAF
            if not hub.wait(stream, min(left, step)):
                break  # the client has left
            hub.take(stream)
        told = read_assignment(request)
        if is_news(told, known):
            break
    return told


def read_assignment(request: HttpRequest) -> Assignment:
    """Return the assignment of the builder whose token it is, if it still is one."""
    name = Bearer()(request)
    if name is None:
        raise unauthorized()
    return assignment_of(calling_builder(name))


def is_news(told: Assignment, known: str) -> bool:
    """Return whether an assignment is what a poll waits for: another one, or any."""
    if known.startswith(('"', 'W/"')):
        return known != etag_of(told)
    return told.task is not None


def topics_of(told: Assignment) -> Collection[str]:
    """Return what is announced when an assignment may have changed."""
    about = {f"builder:{told.builder_id}"}
    return about | {f"task:{told.task.task_id}", "blocker"} if told.task else about


def etag_of(told: Assignment) -> str:
    """Return what tells one assignment from another; when the next heartbeat is due does not."""
    content = told.model_dump_json(exclude={"next_heartbeat_due_at"})
    return f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
