"""Clients that hold their lines: a request of anybody else is answered all the same."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from kit.runtime.connection import MOST_OF_NETWORK
from kit.runtime.worker import ARRIVES
from tests.races import until

pytestmark = [pytest.mark.slow, pytest.mark.faults]

ROOT = Path(__file__).resolve().parents[3]
THREADS, MOST, CROWD = 4, 60, 300
# A crowd used to keep everybody out for as long as its requests may take to arrive.
SOON = ARRIVES / 4
HEAD = b"POST / HTTP/1.1\r\nHost: office\r\nContent-Length: 60\r\n"


class Server:
    def __init__(self, listener, process):
        self.address, self.process = listener.getsockname(), process
        self.expected = ""  # what it may write to its log
        self.lines = ExitStack()

    def ask(self, path="/", method="GET"):
        """Return the seconds until the answer to a request on a connection of its own.

        A client that the machine holds up for some hundredths of a second may be taken for one of
        the crowd: it asks again, as clients do.
        """
        began = time.monotonic()
        while True:
            with (
                suppress(ConnectionError),
                closing(http.client.HTTPConnection(*self.address, timeout=60)) as web,
            ):
                web.request(method, path)
                assert web.getresponse().read() == b"ok"
                return time.monotonic() - began

    def hold(self, what, times, source="127.0.0.1"):
        """Open connections, send this, and neither read nor close."""
        lines = []
        for _ in range(times):
            line = socket.create_connection(self.address, timeout=60, source_address=(source, 0))
            self.lines.enter_context(line)
            with suppress(ConnectionError):
                line.sendall(what)
            lines.append(line)
        return lines


@pytest.fixture
def of_one_address():
    """How many connections one address may have."""
    return 0


@pytest.fixture
def server(of_one_address):
    """Run one worker with few threads and few connections."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "tests.kit.runtime.crowd_app:app"),
                *("--bind", f"fd://{listener.fileno()}", "--workers", "1", "--no-control-socket"),
                *("--worker-class", "kit.runtime.worker.ReadingWorker", "--log-level", "error"),
                *("--threads", str(THREADS), "--worker-connections", str(MOST)),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), MOST_OF_NETWORK: str(of_one_address)},
            pass_fds=[listener.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
        server = Server(listener, process)
        with server.lines:
            server.ask()
            yield server
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        assert (server.expected in said) if server.expected else said == ""
        assert process.returncode == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"P",
        HEAD,
        HEAD + b"\r\n{",
        b"GET / HTTP/1.1\r\nHost: office\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: office\r\nConnection: close\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_crowd_keeps_nobody_out(server, sent):
    server.hold(sent, CROWD)
    assert max(server.ask() for _ in range(20)) < SOON


def test_clients_that_read_nothing_keep_nobody_out(server):
    server.hold(b"GET /large HTTP/1.1\r\nHost: office\r\n\r\n", 10 * THREADS)
    assert max(server.ask() for _ in range(20)) < SOON


def test_a_beat_waits_for_no_thread_of_others(server):
    held = server.hold(b"GET /hold HTTP/1.1\r\nHost: office\r\n\r\n", THREADS + 1)
    for _ in range(3):
        assert server.ask("/api/heartbeat", "POST") < SOON
    assert server.ask("/api/heartbeat?go", "POST") < SOON
    for line in held:
        assert line.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_one_that_reads_gets_all_of_a_long_answer_among_those_that_do_not(server):
    with closing(http.client.HTTPConnection(*server.address, timeout=60)) as web:
        web.request("GET", "/large")
        answer = web.getresponse()
        server.hold(b"GET /large HTTP/1.1\r\nHost: office\r\n\r\n", 10 * THREADS)
        assert len(answer.read()) == 2**24


def test_who_has_said_nothing_is_let_go_first(server):
    [asking] = server.hold(HEAD + b"\r\n{", 1)
    silent = server.hold(b"", MOST)
    server.ask()
    asking.sendall(b"x" * 59)
    assert asking.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert silent[0].recv(100) == b""


def test_a_half_sent_head_is_let_go_sooner_in_a_crowd(server):
    lines = server.hold(b"GET / HT", MOST // 2 + 1)
    began = time.monotonic()
    assert lines[0].recv(100) == b""
    assert time.monotonic() - began < SOON


def test_a_quiet_office_gives_everyone_their_time(server):
    [slow] = server.hold(b"", 1)
    until(lambda: server.ask() < SOON)
    slow.sendall(b"GET / HTTP/1.1\r\nHost: office\r\n\r\n")
    assert slow.recv(100).startswith(b"HTTP/1.1 200 OK")


FEW = 10


@pytest.mark.parametrize("of_one_address", [FEW])
@pytest.mark.parametrize("sent", [b"", b"P", HEAD, HEAD + b"\r\n{"])
def test_an_address_with_too_many_connections_loses_its_own(server, sent):
    [slow] = server.hold(b"GET / HTTP/1.1\r\n", 1, source="127.0.0.2")
    crowd = server.hold(sent, MOST - FEW, source="127.0.0.3")
    until(lambda: sum(map(is_ended, crowd)) >= len(crowd) - FEW)
    assert sum(map(is_ended, crowd)) == len(crowd) - FEW
    slow.sendall(b"Host: office\r\n\r\n")
    assert slow.recv(100).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("of_one_address", [FEW])
def test_connections_that_ended_are_not_counted(server):
    for _ in range(3 * FEW):
        server.ask()
    lines = server.hold(b"GET / HTTP/1.1\r\nHost: office\r\n\r\n", FEW)
    assert all(line.recv(100).startswith(b"HTTP/1.1 200 OK") for line in lines)


def is_ended(line):
    """Return whether the server has closed a connection."""
    line.settimeout(0.01)
    try:
        return line.recv(100) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True
