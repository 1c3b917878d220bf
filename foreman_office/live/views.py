"""The event stream: which topics of a page were touched, and never how."""

import random
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module

from django.conf import settings
from django.contrib import auth
from django.db import InterfaceError, OperationalError, close_old_connections
from django.http import HttpRequest, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from foreman_office.kit.roles import READERS, has_role, reads
from foreman_office.live.hub import Full, can_listen, hub
from foreman_office.live.stream import event

TOPIC = re.compile(r"\*|[a-z]+(:[\w-]{1,40})?", re.ASCII)
MOST_TOPICS = 60
# Seconds after which a page that hears nothing is told that there is nothing to hear, and the
# reader is looked up again.
STILL = 15


@reads
@require_GET
@never_cache
def stream(request: HttpRequest) -> HttpResponseBase:
    """Tell a page for as long as it is open which of its topics were touched."""
    topics = set(request.GET.get("topics", "").split())
    try:
        since = float(request.GET.get("since", "0"))
        datetime.fromtimestamp(since, UTC)
    except (ValueError, OverflowError):
        return HttpResponseBadRequest("`since` is a time in seconds.")
    if len(topics) > MOST_TOPICS or not all(map(TOPIC.fullmatch, topics)):
        return HttpResponseBadRequest("`topics` are words, or words with an id.")
    response = StreamingHttpResponse(
        events(request, topics, since), content_type="text/event-stream"
    )
    response.headers["X-Accel-Buffering"] = "no"  # a proxy passes on each event as it comes
    return response


def events(request: HttpRequest, topics: set[str], since: float) -> Iterator[bytes]:
    close_old_connections()  # a thread that sleeps holds none
    if not can_listen():
        yield event("poll", "unheard")
        return
    try:
        opened = hub.open(
            topics,
            since,
            request.META.get("gunicorn.socket"),
            # What has no length, gunicorn sends in chunks to whoever understands them.
            chunked=request.META.get("SERVER_PROTOCOL") != "HTTP/1.0",
        )
    except Full:
        yield event("poll", "full")
        return
    listening = None
    due = later()
    try:
        while not hub.closing:
            said = []
            if listening != hub.listening:
                listening = hub.listening
                said.append(event("live" if listening else "deaf"))
            if news := hub.take(opened):
                said.append(event("poke", " ".join(sorted(news))))
            if time.monotonic() >= due:
                if not still_reads(request):
                    yield b"".join([*said, event("over")])
                    return
                said.append(event("still"))
                due = later()
            if said:
                yield b"".join(said)
            if not hub.wait(opened, due - time.monotonic()):
                return
    finally:
        hub.close(opened)


def later() -> float:
    """Say when to look again: not at the same moment for all who came at once."""
    return time.monotonic() + random.uniform(STILL / 2, STILL)  # noqa: S311


def still_reads(request: HttpRequest) -> bool:
    """Tell whether the session lasts and its user may still read, as the next page would."""
    sessions = import_module(settings.SESSION_ENGINE)
    request.session = sessions.SessionStore(request.session.session_key)
    try:
        return has_role(auth.get_user(request), READERS)
    except (OperationalError, InterfaceError):
        return False  # the page asks again, and is told why not
    finally:
        close_old_connections()
