"""When the web server gives a thread to what a client has sent."""

import pytest

from kit.runtime.worker import LONGEST_HEAD, READ_AHEAD, is_all_there

HEAD = b"POST /api/heartbeat HTTP/1.1\r\nHost: office\r\n"


@pytest.mark.parametrize(
    ("sent", "enough"),
    [
        (b"", False),
        (b"\r\n", False),
        (HEAD, False),
        (HEAD + b"\r\n", True),
        (HEAD + b"Content-Length: 0\r\n\r\n", True),
        (HEAD + b"Content-Length: 2\r\n\r\n{", False),
        (HEAD + b"Content-Length: 2\r\n\r\n{}", True),
        (HEAD + b"content-length:2 \r\n\r\n{}GET / HTTP/1.1\r\n", True),
        (HEAD + b"X-Content-Length: 99\r\n\r\n", True),
        (HEAD + b"X: y Content-Length: 99\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n", True),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 99\r\n\r\n", True),
        (HEAD + b"Content-Length: many\r\n\r\n", True),  # the server will say what is wrong
        (HEAD + b"Content-Length: %d\r\n\r\n" % 10**17, True),  # it is refused for that
        (HEAD + b"Content-Length: %d\r\n\r\n" % (READ_AHEAD // 2) + bytes(100), False),
        (bytes(LONGEST_HEAD - 1), False),
        (bytes(LONGEST_HEAD), True),
    ],
)
def test_a_request_is_worth_a_thread_once_it_is_all_there(sent, enough):
    assert is_all_there(sent) == is_all_there(bytearray(sent)) == enough
