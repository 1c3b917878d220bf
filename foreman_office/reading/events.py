"""Server-sent events for machines: the evidence as it is written, each entry once.

The cursor is the number of the last entry that was looked at, with a part of the id of the last
one that is there: a record that was restored to an earlier state is not taken for the same.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from math import inf
from threading import BoundedSemaphore
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from builders.models import CIToken
from foreman_office.api.callers import Caller, ReporterBearer, organisation_of
from foreman_office.reading import reach
from governance.models import Evidence
from governance.sealing.settled import Settled
from kit.live.hub import Full, can_listen, hub
from kit.live.stream import Stream
from kit.runtime.database.members import as_member, organisation_in_use
from kit.web.api import Problem, error, refuse, unauthorized
from kit.web.exports import as_json

BATCH = 200  # rows that are read at once
BEAT = 15  # seconds without an event, after which a comment is sent and the token is looked at
LOOK_WHILE_DEAF = 3  # seconds between two looks while this process hears no announcements
LONGEST_SETTLING = 3  # seconds that a stream waits for its place, or for what is there now
SETTLING = 0.5  # seconds between two looks while rows may still come
MOST_OF_A_CALLER = 4  # streams in one process
RETRY_AFTER = 5  # seconds
COLUMNS = [
    *("evidence_id", "sequence", "timestamp", "entity_type", "entity_id", "action", "actor"),
    *("backend", "model", "context"),
]

_settled = Settled()
_places: defaultdict[str, BoundedSemaphore] = defaultdict(
    lambda: BoundedSemaphore(MOST_OF_A_CALLER)
)


class Cursor(NamedTuple):
    """A place in the evidence: the last number looked at, and what the last row there is."""

    number: int
    row: str  # the first digits of its id; empty where there is none

    def __str__(self) -> str:
        return f"{self.number}-{self.row}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        number, _, row = text.partition("-")
        return cls(int(number), row)

    @classmethod
    def at(cls, number: int) -> "Cursor":
        """Return the place at a number; for an organisation, its own last row before that.

        How far the record of the others has come is not for it to know.
        """
        rows = Evidence.objects.filter(sequence__lte=number).order_by("-sequence")
        last = rows.values_list("sequence", "evidence_id").first()
        if organisation_in_use():
            number = last[0] if last else 0
        return cls(number, last[1].hex[:8] if last else "")


def known_place(text: str) -> Cursor:
    """Return the place that a client names, or refuse one that the record does not have."""
    asked = Cursor.parse(text)
    if asked.number and asked.row != Cursor.at(asked.number).row:
        raise Problem(
            *(410, "since", "known_place"),
            "The record of the office has no such place: it was restored to an earlier state. Read"
            " what you need again, and begin without `since`.",
        )
    return asked


def readable_evidence(by: Caller) -> QuerySet[Evidence]:
    """Return the evidence about what a caller may read."""
    if isinstance(by, CIToken):
        if by.program_ids is None:
            return Evidence.objects.all()
        about = Q()
    else:
        about = Q(entity_type="builder", entity_id=by.entity_id)
    about |= Q(entity_type="task", entity_id__in=reach.readable_tasks(by).values("pk"))
    about |= Q(entity_type="wave", entity_id__in=reach.readable_waves(by).values("pk"))
    about |= Q(entity_type="program", entity_id__in=reach.readable_programs(by).values("pk"))
    return Evidence.objects.filter(about)


def read_on(by: Caller, began: int, until: int) -> tuple[list[dict[str, Any]], int]:
    """Return the next events that a caller may read, in their order, and the last number looked at.

    They are after the number `began`, in a record that is settled up to `until`.
    """
    if until <= began:
        return [], began
    beyond = Evidence.objects.filter(sequence__gt=began, sequence__lte=until)
    numbers = list(beyond.order_by("sequence").values_list("sequence", flat=True)[:BATCH])
    last = numbers[-1] if len(numbers) == BATCH else until
    rows = readable_evidence(by).filter(sequence__in=numbers).order_by("sequence")
    return list(rows.values(*COLUMNS)), last


def stream_events(request: HttpRequest, since: str, seconds: int | None) -> HttpResponseBase:
    """Return the stream; what is wrong with the request is found before it begins."""
    if settings.FOREMAN_READ_ONLY:
        raise Problem(503, None, "read_only", "This office only reads: ask the one that writes.")
    by = caller_of_token(request)
    organisation = organisation_of(request)
    place = _places[str(by.pk)]
    cursor = known_place(since) if since else None
    if not place.acquire(blocking=False):
        return busy(f"{MOST_OF_A_CALLER} streams of this token are open.")
    try:
        stream = hub.open(
            *({"evidence"}, time.time(), _client(request)), silent=True, organisation=organisation
        )
    except Full:
        place.release()
        return busy("The office has no free stream now.")
    response = StreamingHttpResponse(
        Events(request, by, stream, place, cursor, seconds), content_type="text/event-stream"
    )
    response.headers["X-Accel-Buffering"] = "no"  # a proxy passes on each event as it comes
    response.headers["Cache-Control"] = "no-store"
    return response


def busy(why: str) -> HttpResponse:
    response = refuse(503, error(None, "streams", why))
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _client(request: HttpRequest) -> Any:
    return request.META.get("gunicorn.socket")


def caller_of_token(request: HttpRequest) -> Caller:
    by = ReporterBearer()(request)
    if by is None:
        raise unauthorized()
    return by


class Events:
    """The body of a stream; closed with its response, also if it was never read."""

    def __init__(
        self,
        request: HttpRequest,
        by: Caller,
        stream: Stream,
        place: BoundedSemaphore,
        cursor: Cursor | None,
        seconds: int | None,
    ) -> None:
        self.request, self.by, self.stream, self.place = request, by, stream, place
        self.organisation = organisation_of(request)
        self.asked, self.is_open, self.seen = cursor, True, 0
        self.ends = inf if seconds is None else time.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._events()
        finally:
            self.close()

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            hub.close(self.stream)
            self.place.release()

    def _events(self) -> Iterator[bytes]:
        if not self.asked:
            self.seen = self._settle()
        with self._served():
            self.cursor = self.asked or Cursor.at(self.seen)
        if self.asked and self.ends - time.monotonic() < LONGEST_SETTLING:
            self._settle()  # a stream that ends soon has what is there now
        yield comment(self.cursor, f": {self.cursor}", "retry: 2000")
        checked = time.monotonic()
        while not hub.closing:
            hub.take(self.stream)
            try:
                if time.monotonic() - checked > BEAT:
                    with ExitStack() as self.request.works_for:  # type: ignore[attr-defined]
                        self.by, checked = caller_of_token(self.request), time.monotonic()
                    yield comment(self.cursor, ": still here")
                rows = self._read()
            except (Problem, DatabaseError):
                return  # the client connects again, and is told why not
            if rows:
                yield b"".join(map(event_of, rows)) + comment(self.cursor)
            elif (left := self.ends - time.monotonic()) <= 0:
                yield comment(self.cursor)
                return
            else:
                close_old_connections()  # a thread that sleeps holds none
                if not hub.wait(self.stream, min(left, self._patience())):
                    return  # the client has left

    def _served(self) -> AbstractContextManager[None]:
        """Read as the members' role of an organisation: the answer is written after its request."""
        return as_member(self.organisation) if self.organisation else nullcontext()

    def _read(self) -> list[dict[str, Any]]:
        until, began = _settled.advance(), max(self.cursor.number, self.seen)
        with self._served():
            rows, self.seen = read_on(self.by, began, until)
            if self.seen > began:
                self.cursor = Cursor.at(self.seen)
        return rows

    def _settle(self) -> int:
        """Return the last number before which nothing can come any more, as recent as it may be."""
        began, given_out = time.monotonic(), 0
        while True:
            number = _settled.advance()
            given_out = given_out or _settled.given_out
            left = began + LONGEST_SETTLING - time.monotonic()
            if number >= given_out or left <= 0:
                return number
            close_old_connections()
            hub.wait(self.stream, min(left, SETTLING))

    def _patience(self) -> float:
        if _settled.is_behind or max(self.cursor.number, self.seen) < _settled.number:
            return SETTLING
        return BEAT if hub.listening and can_listen() else LOOK_WHILE_DEAF


def comment(cursor: Cursor, *lines: str) -> bytes:
    """Return lines that are no event, and move the client's place."""
    return "\n".join([*lines, f"id: {cursor}", "", ""]).encode()


def event_of(row: dict[str, Any]) -> bytes:
    """Return an entry as an event, whose id is its place: a stream may break off after each."""
    cursor = Cursor(row["sequence"], row["evidence_id"].hex[:8])
    return f"id: {cursor}\nevent: evidence\ndata: {as_json(row)}\n\n".encode()
