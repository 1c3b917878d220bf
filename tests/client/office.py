"""Offices that a client talks to: one on paper, and one over HTTP that fails as it is told to."""

import json
import os
import subprocess
import sys
import threading
from collections import deque
from contextlib import contextmanager
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from foreman.errors import Unreachable
from foreman.office import Answer, Office

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds: whoever waits in vain has failed
TASK = "11111111-1111-4111-8111-111111111111"
REFUSAL = {"errors": [{"field": None, "rule": "held_task", "message": "It is not yours."}]}
INSTRUCTION = {
    "task_id": TASK,
    "name": "Wire the lamp",
    "state": "in-progress",
    "progress_percentage": 10,
    "program": {"name": "Lamps"},
    "wave": {"name": "First"},
    "architecture": {"reference": "docs/lamp.md"},
    "suite": {"location": "tests/lamp/", "failing": []},
    "instruction": "Build to Green.",
    "acceptance_criteria": [],
    "open_blockers": [],
    "completion": [],
}
# What can happen to a request beside an answer of success.
LOST_REQUEST, LOST_ANSWER = "the request is lost", "the answer is lost"


class Killed(BaseException):
    """The process was killed at this point."""


KILLED_BEFORE, KILLED_AFTER = "killed before it was sent", "killed before the answer"


class Books:
    """What an office has executed, each key once, and the faults that come next."""

    def __init__(self, faults=()):
        self.executed, self.requests, self.faults = [], [], deque(faults)
        self.task = INSTRUCTION
        self.lock = threading.Lock()

    def next_fault(self):
        with self.lock:
            return self.faults.popleft() if self.faults else None

    def execute(self, key):
        with self.lock:
            self.requests.append(key)
            if key not in self.executed:
                self.executed.append(key)

    def take(self, path, body):
        """Look at what is sent; a test replaces this."""

    def answer(self, path):
        if path.startswith("/api/assignment"):
            return {"builder_id": "ui-builder", "task": self.task}
        return {"interval_seconds": 60, "qa_status": "GREEN", "passing_tests": 1, "total_tests": 1}


def key_of(headers, body):
    return headers.get("Idempotency-Key") or json.loads(body)["heartbeat_id"]


class OfficeOnPaper(Office):
    """An office without a network."""

    def __init__(self, books):
        super().__init__("http://office.example", "fo_token")
        self.books = books

    def ask(self, method, path, body=None, headers={}, timeout=0):
        fault = self.books.next_fault()
        if fault == KILLED_BEFORE:
            raise Killed
        if fault == LOST_REQUEST:
            raise Unreachable("The office cannot be reached.", arrived=False)
        if isinstance(fault, int):
            return Answer(fault, Headers(), json.dumps(REFUSAL))
        if method == "POST":
            self.books.execute(key_of(headers, body))
        if fault == KILLED_AFTER:
            raise Killed
        if fault == LOST_ANSWER:
            raise Unreachable("The office cannot be reached.")
        return Answer(201, Headers(), json.dumps(self.books.answer(path)))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(200, self.server.books.answer(self.path))

    def do_POST(self):
        books = self.server.books
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = books.next_fault()
        if callable(fault):
            fault = fault()
        if fault == LOST_REQUEST:
            return self.hang_up()
        if isinstance(fault, int):
            return self.reply(fault, REFUSAL)
        if isinstance(fault, tuple):
            return self.reply(fault[0], REFUSAL, **{"Retry-After": str(fault[1])})
        books.execute(key_of(self.headers, body))
        books.take(self.path, body)
        if fault == LOST_ANSWER:
            return self.hang_up()
        return self.reply(201, books.answer(self.path))

    def hang_up(self):
        self.close_connection = True

    def reply(self, status, body, **headers):
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            self.wfile.write(content)
        except OSError:  # the client was killed
            self.close_connection = True

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Keep quiet: a client that was killed is what a test wants."""


class OfficeOverHTTP:
    """An office on a port of its own, which can be closed and opened again."""

    def __init__(self):
        self.books, self.port, self.server = Books(), 0, None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def open(self):
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.books, self.port = self.books, self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def close(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@contextmanager
def office_over_http():
    office = OfficeOverHTTP().open()
    yield office
    office.close()


OURS = ("FOREMAN_", "PYTEST_", "XDG_", "DJANGO_")


def environment(home, url="", token="fo_token", **more):
    """Return the environment of a builder's shell, with a home of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    given = {"FOREMAN_URL": url, "FOREMAN_TOKEN": token} if url else {}
    return {
        **kept,
        **given,
        "HOME": str(home),
        "PYTHONPATH": str(ROOT / "client"),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def foreman(*arguments, env, **more):
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "foreman", *map(str, arguments)],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        **more,
    )


def started(*arguments, env, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "foreman", *map(str, arguments)], env=env, **more
    )
