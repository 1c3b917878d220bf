"""Clients that are slow, stall or send nothing: the beats of all others pass."""

import socket
from contextlib import ExitStack

from tests.faults.office import Load

SILENT, HALF_SENT, NOT_READING = 500, 50, 20
HEAD = b"POST /api/heartbeat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
HALVES = [
    b"P",
    HEAD,
    HEAD + b"Content-Length: 60\r\n\r\n{",
    HEAD + b"Content-Length: 900000\r\n\r\n" + bytes(300_000),
]


def test_beats_pass_however_many_clients_hold_their_lines(office):
    with Load(office) as load, ExitStack() as lines:

        def hold(what):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", office.port)))
            line.sendall(what)
            return line

        for _ in range(SILENT):
            hold(b"")
        for number in range(HALF_SENT):
            hold(HALVES[number % len(HALVES)])
        page = b"GET /static/js/live.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for _ in range(NOT_READING):
            hold(page * 10)
        load.flows(60)
        assert office.ask("GET", "/healthz").status == 200
        assert load.statuses.keys() == {201}

        # One byte now and then is a client, too, if only it ends.
        body = b'{"builder_id": "qa-builder", "status": "idle"}'
        slow = hold(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        for byte in body:
            slow.sendall(bytes([byte]))
        assert slow.recv(100).startswith(b"HTTP/1.1 401")  # it was heard, and has no token
