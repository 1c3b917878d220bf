"""What is no request is refused with an answer, and the answer repeats nothing of it."""

import socket

import pytest

from kit.runtime.refusals import HEADERS
from tests.kit.runtime.test_crowd import of_one_address, server  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.faults]

POST = b"POST / HTTP/1.1\r\nHost: office\r\n"
MARK = b"mark-of-the-sender"
CASES = {
    b"GET / HTTP/1.1\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": 400,
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 400,
    POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!": 400,
    POST + b"Content-Length: +5\r\n\r\nhello": 400,
    POST + b"Content-Length: -5\r\n\r\nhello": 400,
    POST + b"Content-Length: 5, 5\r\n\r\nhello": 400,
    POST + b"Content-Length: " + MARK + b"\r\n\r\n": 400,
    POST + b"Transfer-Encoding: " + MARK + b"\r\n\r\n": 501,
    POST + b"Expect: " + MARK + b"\r\n\r\n": 417,
    b"<" + MARK + b">\r\n\r\n": 400,
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\n" + MARK + b" x: y\r\n\r\n": 400,
    b"GET /" + MARK * 1000 + b" HTTP/1.1\r\nHost: a\r\n\r\n": 414,
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + MARK * 1000 + b"\r\n\r\n": 431,
}


def answer_to(server, sent):  # noqa: F811
    with socket.create_connection(server.address, timeout=60) as line:
        line.sendall(sent)
        return b"".join(iter(lambda: line.recv(65536), b""))


def test_what_is_no_request_is_refused_without_an_echo(server):  # noqa: F811
    for sent, status in CASES.items():
        answer = answer_to(server, sent)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), sent[:200]
        assert MARK not in answer
        assert all(f"{name}: {value}".encode() in head for name, value in HEADERS.items())
        assert body.startswith(b"%d " % status)


def test_an_older_client_needs_no_host(server):  # noqa: F811
    assert b" 200 OK" in answer_to(server, b"GET / HTTP/1.0\r\n\r\n")


def test_an_error_of_ours_is_answered_briefly(server):  # noqa: F811
    answer = answer_to(server, b"GET /fail HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert answer.endswith(b"\r\n\r\n500 Internal Server Error\n")
    server.expected = "LookupError: of the application"
