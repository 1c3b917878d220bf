"""Heartbeats while other clients hold connections, guess passwords, or send large reports."""

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from itertools import count
from typing import Any
from urllib.parse import urlencode

from django.templatetags.static import static

from bench.figures import Measurement, compare_pairs, interleaved
from bench.heartbeats import senders
from bench.load import Sender, status_of_answer
from bench.office import database_copy, fill, served
from bench.sizes import Sizes
from foreman_office.reports import MAX_BYTES

PAUSE = 0.1  # seconds between two beats
FILE = "js/live.js"
GUESSERS, REPORTERS = 12, 6
CASE = b"<testcase/>"  # as many as fit: the report is read to its end, and refused
REPORT = b"<testsuite>" + CASE * ((MAX_BYTES - 30) // len(CASE)) + b"</testsuite>"


def run(sizes: Sizes) -> Iterator[Measurement]:
    with database_copy("bench_crowd") as name:
        fill()
        first = senders()[0]
        sender = Sender("/api/heartbeat", **first)
        with served(name) as port:
            slowest_beat(port, sender, min(1, sizes.seconds))  # the workers start meanwhile

            def beside(
                others: Callable[[], AbstractContextManager[None]], what: str, under: float
            ) -> Measurement:
                def alone() -> float:
                    return slowest_beat(port, sender, sizes.seconds)

                def crowded() -> float:
                    with others():
                        return slowest_beat(port, sender, sizes.seconds)

                pairs = interleaved(sizes.rounds, crowded, alone)
                what = f"slowest heartbeat beside {what}, and without"
                return compare_pairs(what, "ms", pairs, under=under)

            held = f"{sizes.crowd} held connections"
            yield beside(lambda: crowd(port, sizes.crowd), held, 300)
            guessed = f"{GUESSERS} that guess passwords"
            yield beside(lambda: in_threads(GUESSERS, lambda over: guess(port, over)), guessed, 500)
            reported = f"{REPORTERS} that send reports of the largest size"
            yield beside(
                lambda: in_threads(REPORTERS, lambda over: report(port, first, over)), reported, 500
            )


def slowest_beat(port: int, sender: Sender, seconds: float) -> float:
    """Send beats, each over a connection of its own; return the milliseconds of the slowest."""
    slowest, ends = 0.0, time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(sender.next_request())
            if (status := status_of_answer(connection)) != 201:
                raise AssertionError(f"a beat was answered {status}")
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(PAUSE)
    return slowest * 1000


@contextmanager
def crowd(port: int, connections: int) -> Iterator[None]:
    """Hold so many connections from a process of its own."""
    client = subprocess.Popen(
        [sys.executable, "-m", "bench.hold"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with client:
        task: dict[str, Any] = {"port": port, "connections": connections, "file": static(FILE)}
        client.stdin.write(json.dumps(task) + "\n")  # type: ignore[union-attr]
        client.stdin.flush()  # type: ignore[union-attr]
        if client.stdout.readline() != "open\n":  # type: ignore[union-attr]
            raise AssertionError("the connections could not be opened")
        yield
        client.communicate()


@contextmanager
def in_threads(number: int, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Work in so many threads, each of which ends when its event is set."""
    over = threading.Event()
    with ThreadPoolExecutor(number) as threads:
        working = [threads.submit(work, over) for _ in range(number)]
        try:
            yield
        finally:
            over.set()
    for each in working:
        each.result()


def guess(port: int, over: threading.Event) -> None:
    """Guess passwords of names that nobody has."""
    with closing(http.client.HTTPConnection("localhost", port, timeout=60)) as web:
        web.request("GET", "/login/")
        page = web.getresponse()
        page.read()
        found = re.search(r"csrftoken=(\w+)", page.headers["Set-Cookie"])
        secret = found[1] if found else ""
        headers = {
            "Cookie": f"csrftoken={secret}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        for number in count():
            if over.is_set():
                return
            form = {"username": f"{id(web)}-{number}", "password": "guess"}
            web.request(
                "POST", "/login/", urlencode(form | {"csrfmiddlewaretoken": secret}), headers
            )
            answer = web.getresponse()
            answer.read()
            if answer.status not in (200, 429, 503):
                raise AssertionError(f"a guess was answered {answer.status}")


def report(port: int, sender: dict[str, str], over: threading.Event) -> None:
    """Send reports of the largest size."""
    path = f"/api/tasks/{sender['task_id']}/qa-runs"
    headers = {"Authorization": f"Bearer {sender['token']}", "Content-Type": "application/xml"}
    while not over.is_set():
        with closing(http.client.HTTPConnection("localhost", port, timeout=120)) as web:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before it was whole
                web.request("POST", path, REPORT, headers)
            answer = web.getresponse()
            answer.read()
            if answer.status not in (422, 503):
                raise AssertionError(f"a report was answered {answer.status}")
