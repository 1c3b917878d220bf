"""The event stream: which topics of a page changed, without the content."""

import random
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module

from django.conf import settings
from django.contrib import auth
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from kit.core.outages import DATABASE_AWAY
from kit.core.roles import READERS, has_role, reads
from kit.live.hub import Full, Stream, can_listen, hub
from kit.live.stream import event, poke

TOPIC = re.compile(r"\*|[a-z]+(:[\w-]{1,40})?", re.ASCII)
MOST_TOPICS = 60
# Seconds after which a page without events gets an empty one, and the
# user's session and role are checked again.
STILL = 15


@reads
@require_GET
@never_cache
def stream(request: HttpRequest) -> HttpResponseBase:
    """Answer with a stream of the topics of a page that change, for as long as it is open."""
    topics = set(request.GET.get("topics", "").split())
    try:
        since = float(request.GET.get("since", "0"))
        datetime.fromtimestamp(since, UTC)
    except (ValueError, OverflowError):
        return HttpResponseBadRequest("`since` is a time in seconds.")
    if len(topics) > MOST_TOPICS or not all(map(TOPIC.fullmatch, topics)):
        return HttpResponseBadRequest("Each of `topics` is a word, or a word with an id.")
    response = StreamingHttpResponse(
        events(request, topics, since), content_type="text/event-stream"
    )
    response.headers["X-Accel-Buffering"] = "no"  # a proxy passes on each event as it comes
    return response


def events(request: HttpRequest, topics: set[str], since: float) -> Iterator[bytes]:
    """Yield the events of a stream; one that cannot be opened tells the page to poll."""
    close_old_connections()  # a thread that sleeps holds none
    if not can_listen():
        yield event("poll", "unheard")
        return
    try:
        opened = hub.open(
            topics,
            since,
            request.META.get("gunicorn.socket"),
            # A response without a length is sent in chunks by gunicorn, except over HTTP/1.0.
            chunked=request.META.get("SERVER_PROTOCOL") != "HTTP/1.0",
            organisation=getattr(request, "organisation", None),
        )
    except Full:
        yield event("poll", "full")
        return
    try:
        yield from news_of(opened, request)
    finally:
        hub.close(opened)


def news_of(opened: Stream, request: HttpRequest) -> Iterator[bytes]:
    """Yield the events of an open stream, until it is closed or its user may read no more."""
    listening = None
    due = later()
    while not hub.closing:
        said = []
        if listening != hub.listening:
            listening = hub.listening
            said.append(event("live" if listening else "deaf"))
        if news := hub.take(opened):
            said.append(poke(news))
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


def later() -> float:
    """Return when to check again, spread so that streams opened at once do not check at once."""
    return time.monotonic() + random.uniform(STILL / 2, STILL)  # noqa: S311


def still_reads(request: HttpRequest) -> bool:
    """Return whether the session is valid and its user may still read, as the next page would."""
    sessions = import_module(settings.SESSION_ENGINE)
    request.session = sessions.SessionStore(request.session.session_key)
    try:
        user = auth.get_user(request)
        reads_there = getattr(request, "reads_there", None)
        return reads_there(user) if reads_there else has_role(user, READERS)
    except DATABASE_AWAY:
        return False  # the page asks again, and is told why not
    finally:
        close_old_connections()
