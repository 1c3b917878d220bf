"""A short cut for requests that come in numbers: read in a worker's loop, answered together.

An application that is also a `ShortCut` takes such requests as bytes, and answers those that have
arrived at the same moment by one call, in one thread, without a thread, an environment and the
middleware for each. It gives the answers that its usual way would give: what it does not know, or
cannot answer, takes that way.

It knows a request by its head, all of it: it must be the same, byte for byte, as one that the usual
way has answered, but for the token, the length and the id of the request. So no header is judged
here; whoever sends another host, type or option is answered by the usual way first.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from gunicorn import util
from gunicorn.http.wsgi import SERVER

from kit.core.request_id import HEADER, IN_ENVIRON, SANE

HEAD_ENDS = b"\r\n\r\n"
# Bytes of a head and of a body; what is longer is rare, and takes the usual way.
LONGEST_KNOWN_HEAD, LONGEST_KNOWN_BODY = 2048, 16 * 1024
# Heads that are known at a time: each client has its own.
KNOWN_HEADS = 256
# What an access log writes of a request, but for the address that it came from.
LOGGED = ("REQUEST_METHOD", "PATH_INFO", "HTTP_X_FORWARDED_FOR")

VARYING = re.compile(
    rb"\r\n(Authorization|Content-Length|X-Request-ID):[ \t]*([^\r\n]*)", re.IGNORECASE
)
BEARER = re.compile(rb"[Bb]earer ([!-~]+)")
DIGITS = re.compile(rb"\d{1,6}")
# What the server itself obeys, but for the only value that changes nothing.
OF_THE_SERVER = re.compile(
    rb"\r\n(Transfer-Encoding|Expect|Upgrade|Connection(?!: keep-alive\r\n))", re.IGNORECASE
)


class Head(NamedTuple):
    """A head without what differs between requests of one client, and that."""

    known_by: bytes
    token: str
    request_id: str  # empty if none was sent
    body_begins: int


def read_head(received: bytes | bytearray, first_line: bytes) -> Head | None:
    """Return the head of a single complete request, or None if it is of another kind."""
    if not received.startswith(first_line):
        return None
    end = received.find(HEAD_ENDS)
    if not 0 < end < LONGEST_KNOWN_HEAD:
        return None
    head = bytes(received[: end + 2])
    found = VARYING.findall(head)
    said = {name.lower(): value for name, value in found}
    bearer = BEARER.fullmatch(said.get(b"authorization", b""))
    length = said.get(b"content-length", b"")
    request_id = said.get(b"x-request-id", b"").decode("latin-1")
    body_begins = end + len(HEAD_ENDS)
    if (
        len(said) < len(found)
        or not bearer
        or not DIGITS.fullmatch(length)
        or int(length) > LONGEST_KNOWN_BODY
        or len(received) != body_begins + int(length)
        or (b"x-request-id" in said and not SANE.fullmatch(request_id))
        or OF_THE_SERVER.search(head)
    ):
        return None
    return Head(VARYING.sub(rb"\r\n\1:", head), bearer[1].decode(), request_id, body_begins)


class Answered(NamedTuple):
    """An answer to be sent, and what an access log asks of it."""

    content: bytes
    status: str
    sent: int  # bytes of the body
    environ: Mapping[str, Any]


class UsualAnswer:
    """An answer of the usual way to a request with a head that is known by it from then on.

    Of its own head the parts that change are left out.
    """

    def __init__(
        self, environ: Mapping[str, Any], status: str, headers: Sequence[tuple[str, str]]
    ) -> None:
        self.status = status
        self.environ = {name: environ[name] for name in LOGGED if name in environ}
        named = {HEADER.lower(): "{request_id}", "content-length": "{length}"}
        lines = [
            f"{name}: {named.get(name.lower()) or value.replace('{', '{{').replace('}', '}}')}"
            for name, value in headers
        ]
        self.form = "\r\n".join(
            [
                *(f"HTTP/1.1 {status}", f"Server: {SERVER}", "Date: {date}"),
                *("Connection: keep-alive", *lines, "", ""),
            ]
        )

    def again(self, body: bytes, request_id: str) -> Answered:
        """Return such an answer with another body."""
        head = self.form.format(date=util.http_date(), length=len(body), request_id=request_id)
        environ = self.environ | {IN_ENVIRON: request_id}
        return Answered(head.encode("latin-1") + body, self.status, len(body), environ)


@runtime_checkable
class ShortCut[Asked](Protocol):
    """What a worker asks of an application that has a short cut."""

    def read(self, received: bytearray) -> tuple[Head | None, Asked | None]:
        """Return the head to be known by, and what is asked, if that can be answered here."""

    def answer(self, asked: list[Asked]) -> list[Answered | None]:
        """Return the answer to each, or None if it has to take the usual way."""

    def usual_way(self, head: Head | None, asked: Asked | None) -> Any:
        """Return the context of a request that takes the usual way, perhaps after this one."""
