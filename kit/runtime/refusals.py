"""Answers to what is no request: brief, with the headers of every page, repeating nothing of it."""

import socket
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors

# Errors of the server's parser by the status of the answer; any other of its errors is a 400.
STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
}
HEADERS = {
    "Connection": "close",
    "Content-Type": "text/plain; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class MissingHost(errors.ParseException):
    """A request of HTTP/1.1 that does not say for which host it is (RFC 9112, 3.2)."""

    def __str__(self) -> str:
        return "Missing Host header"


def lacks_host(request: Any) -> bool:
    return request.version >= (1, 1) and not any(name == "HOST" for name, _ in request.headers)


def status_of(error: Exception) -> HTTPStatus:
    """Return the status that answers an error: 500 unless the client made it."""
    is_ours = isinstance(error, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName)
    if is_ours or not isinstance(error, errors.ParseException):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)


def answer_refused(client: socket.socket, status: HTTPStatus) -> None:
    """Send the status to a client, which may have gone."""
    body = f"{status.value} {status.phrase}\n".encode()
    head = [f"HTTP/1.1 {status.value} {status.phrase}"]
    head += [f"{name}: {value}" for name, value in HEADERS.items()]
    head += [f"Content-Length: {len(body)}", "", ""]
    with suppress(OSError):
        client.sendall("\r\n".join(head).encode() + body)
