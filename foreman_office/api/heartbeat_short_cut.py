"""The short cut of heartbeats: those that arrive together are read in the loop and stored at once.

A good heartbeat of a client that is known by its head (kit.runtime.short_cut) is answered here as
the view would answer it. Whatever else there is to say is for the view: a heartbeat that is wrong,
refused or could not be stored is handed on to it, under the id that it was tried with.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import Error
from pydantic import ValidationError

from builders import actions
from builders.heartbeat_document import Tried, heartbeat_document, tried_before
from builders.known_tokens import token_digest
from foreman_office.api.heartbeat import Beat, receipt_of
from kit.core.ids import time_ordered_id
from kit.runtime.metrics_registry import request_seconds
from kit.runtime.short_cut import KNOWN_HEADS, Answered, Head, UsualAnswer, read_head
from kit.web.api import Problem, strict_json

FIRST_LINE = b"POST /api/heartbeat HTTP/1.1\r\n"
VIEW = "api:heartbeat"

_head: ContextVar[Head | None] = ContextVar("head", default=None)


@dataclass(slots=True)
class KnownBeat:
    """A heartbeat that can be stored, as it was sent and as it is stored."""

    head: Head
    usual: UsualAnswer
    beat: Beat
    key: UUID
    document: str
    arrived: float
    failure: Error | None = None


class HeartbeatShortCut:
    """The office's application, with a short cut for heartbeats."""

    def __init__(self, application: WSGIHandler) -> None:
        self.application = application
        self.known: dict[bytes, UsualAnswer] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer in the usual way, and note the head of the answer to a heartbeat."""
        head = _head.get()
        if head is None or head.known_by in self.known:
            return self.application(environ, start_response)

        def note(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if status.startswith("201 "):
                if len(self.known) >= KNOWN_HEADS:
                    self.known.clear()
                self.known[head.known_by] = UsualAnswer(environ, status, headers)
            return start_response(status, headers, *more)

        return self.application(environ, note)

    def read(self, received: bytearray) -> tuple[Head | None, KnownBeat | None]:
        """Return the head of a heartbeat, and the heartbeat if it can be stored with others."""
        head = read_head(received, FIRST_LINE)
        usual = head and self.known.get(head.known_by)
        if not head or not usual:
            return head, None
        arrived = time.perf_counter()
        try:
            beat = Beat.model_validate(strict_json(bytes(received[head.body_begins :])))
        except (Problem, ValidationError):
            return head, None
        if beat.usage:
            return head, None
        said = {name: value for name, value in beat if name != "usage"}
        key = said["heartbeat_id"] = beat.heartbeat_id or time_ordered_id()
        document = heartbeat_document(token_digest(head.token), **said)
        return head, KnownBeat(head, usual, beat, key, document, arrived)

    def answer(self, asked: list[KnownBeat]) -> list[Answered | None]:
        """Store heartbeats together; return None for each that the view has to answer."""
        recorded = actions.record_heartbeats([(each.key, each.document) for each in asked])
        answers: list[Answered | None] = []
        for each, one in zip(asked, recorded, strict=True):
            if isinstance(one, Error):
                each.failure, one = one, None
            answers.append(answer_to_beat(each, one) if one else None)
        return answers

    @contextmanager
    def usual_way(self, head: Head | None, asked: KnownBeat | None) -> Iterator[None]:
        """Set what the view learns of a request that this way has read."""
        tried = Tried(asked.key, asked.failure) if asked else None
        before = _head.set(head), tried_before.set(tried)
        try:
            yield
        finally:
            _head.reset(before[0])
            tried_before.reset(before[1])


def answer_to_beat(known: KnownBeat, recorded: actions.Recorded) -> Answered:
    body = receipt_of(recorded, known.beat).model_dump_json().encode()
    answer = known.usual.again(body, known.head.request_id or uuid4().hex)
    if settings.FOREMAN_METRICS_TOKEN:
        took = time.perf_counter() - known.arrived
        request_seconds.labels(VIEW, "POST", 201).observe(took)
    return answer
