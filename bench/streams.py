"""Event streams: how soon a beat is on them and on a page, and what they take from heartbeats."""

import http.client
import json
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from statistics import median
from typing import Any

from playwright.sync_api import sync_playwright

from bench.figures import Measurement, compare_pairs, interleaved, percentile
from bench.heartbeats import CONNECTIONS, Load, senders, server_cpu
from bench.load import Sender, status_of_answer
from bench.office import database_copy, fill, served
from bench.pages import logged_in
from bench.sizes import Sizes
from kit.web.htmx import PARTS
from programs.models import Task

STREAMS = [1, 50, 150]
INBOX = ["lamps", "headline", "decisions", "moving", "finished", "programs"]
BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu"]
# The moment at which the page first says a text, by a clock that all processes share.
NOTE = """
window.seen = {};
new MutationObserver(() => {
  const words = document.body.textContent.matchAll(/step \\d+(?=\\.)/g);
  for (const [said] of words) window.seen[said] ??= Date.now();
}).observe(document.body, { childList: true, subtree: true, characterData: true });
"""


def run(sizes: Sizes) -> Iterator[Measurement]:
    with database_copy("bench_streams") as name:
        fill()
        cookie, builders = logged_in(), senders()
        with served(name) as port:
            beats = BeatingBuilder(port, builders[0], sizes.beats)
            beats.send(1)  # the workers start meanwhile
            for count in STREAMS:
                yield times_told(beats, cookie, count)
            yield times_shown(beats, cookie)
            yield refreshed(port, cookie, sizes)
            load = Load(port, builders)
            for connections in CONNECTIONS:
                yield beside(load, cookie, connections, sizes)


class BeatingBuilder:
    """One builder that sends heartbeats now and then, and how long each acknowledgement took."""

    def __init__(self, port: int, sender: dict[str, str], count: int) -> None:
        self.port, self.count = port, count
        self.sender = Sender("/api/heartbeat", **sender)
        self.task_id = sender["task_id"]

    def send(self, count: int = 0) -> list[tuple[float, float]]:
        """Send beats; return when each was acknowledged, and after what time, in seconds."""
        acknowledged = []
        with socket.create_connection(("localhost", self.port)) as connection:
            for _ in range(count or self.count):
                # Longer than a burst is, and than a page rests between two questions.
                time.sleep(random.uniform(0.6, 1.0))  # noqa: S311
                began = time.monotonic()
                connection.sendall(self.sender.next_request())
                if (status := status_of_answer(connection)) != 201:
                    raise AssertionError(f"a beat was answered {status}")
                now = time.monotonic()
                acknowledged.append((now, now - began))
        time.sleep(0.6)
        return acknowledged


@contextmanager
def listeners(port: int, cookie: str, count: int) -> Iterator[list[list[float]]]:
    """Hold streams open; at the end the list has for each the times of its events."""
    told: list[list[float]] = []
    client = subprocess.Popen(
        [sys.executable, "-m", "bench.listen"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with client:
        task: dict[str, Any] = {"port": port, "cookie": cookie, "streams": count}
        client.stdin.write(json.dumps(task) + "\n")  # type: ignore[union-attr]
        client.stdin.flush()  # type: ignore[union-attr]
        if client.stdout.readline() != "open\n":  # type: ignore[union-attr]
            raise AssertionError("the streams could not be opened")
        yield told
        answer, _ = client.communicate()
        told.extend(json.loads(answer))


def times_told(beats: BeatingBuilder, cookie: str, count: int) -> Measurement:
    with listeners(beats.port, cookie, count) as streams:
        acknowledged = beats.send()
    # An event before the acknowledgement was read has no wait, and one that did not come while the
    # stream was open has an endless one.
    waits = [
        max(0, min((moment for moment in moments if moment > at - took), default=inf) - at)
        for moments in streams
        for at, took in acknowledged
    ]
    return beside_round_trip(f"beat to event, {count} streams, p95", waits, acknowledged, 150)


def times_shown(beats: BeatingBuilder, cookie: str) -> Measurement:
    """Measure when a task's page in Chromium shows what each beat reported."""
    url = f"http://localhost:{beats.port}"
    name, _, value = cookie.partition("=")
    address = Task.objects.get(pk=beats.task_id).get_absolute_url()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=BROWSER_FLAGS
        )
        context = browser.new_context(base_url=url)
        context.add_cookies([{"name": name, "value": value, "url": url}])
        page = context.new_page()
        page.goto(address)
        page.locator("#freshness[data-state=live]").wait_for()
        page.evaluate(NOTE)
        first = next(beats.sender.numbers) + 1
        apart = time.time() - time.monotonic()
        acknowledged = beats.send()
        last = f"step {first + len(acknowledged) - 1}"
        while last not in (seen := page.evaluate("window.seen")):
            page.wait_for_timeout(50)
        browser.close()
    # A page that was busy may have shown a later beat and not this one: that is as good.
    drawn_at = {int(said.split()[1]): moment / 1000 for said, moment in seen.items()}
    waits = [
        min(moment for shown, moment in drawn_at.items() if shown >= number) - (at + apart)
        for number, (at, _) in enumerate(acknowledged, first)
    ]
    return beside_round_trip("beat to text in Chromium, p95", waits, acknowledged, 500)


def refreshed(port: int, cookie: str, sizes: Sizes) -> Measurement:
    """Compare the cost of refreshing the inbox's parts in one request and one by one."""
    connection = http.client.HTTPConnection("localhost", port)

    def ask(**headers: str) -> None:
        connection.request("GET", "/", headers={"Cookie": cookie, "HX-Request": "true"} | headers)
        with connection.getresponse() as answer:
            answer.read()
            if answer.status != 200:
                raise AssertionError(f"the parts were answered {answer.status}")

    def cost(questions: list[dict[str, str]]) -> float:
        before = server_cpu()
        for _ in range(sizes.refreshes):
            for question in questions:
                ask(**question)
        return (server_cpu() - before) / sizes.refreshes * 1000

    at_once = [{PARTS: " ".join(INBOX)}]
    one_by_one = [{"HX-Target": part} for part in INBOX]
    return compare_pairs(
        "processor time of a refresh, at once and part by part",
        "ms",
        interleaved(sizes.rounds, lambda: cost(at_once), lambda: cost(one_by_one)),
    )


def beside_round_trip(
    what: str, waits: list[float], acknowledged: list[tuple[float, float]], under: float
) -> Measurement:
    """Return the wait after the acknowledgement beside the round trip of the heartbeat itself."""
    measured = percentile(waits, 95) * 1000
    floor = percentile([took for _, took in acknowledged], 95) * 1000
    middle = median(waits) / median(took for _, took in acknowledged)
    ratio = measured / floor
    spread = (min(ratio, middle), max(ratio, middle))
    return Measurement(what, "ms", measured, floor, ratio, spread, under=under)


def beside(load: Load, cookie: str, connections: int, sizes: Sizes) -> Measurement:
    def with_streams() -> float:
        with listeners(load.port, cookie, STREAMS[-1]):
            return alone()

    def alone() -> float:
        return load.send("/api/heartbeat", connections, sizes.seconds)["rate"]

    return compare_pairs(
        f"heartbeats beside {STREAMS[-1]} streams, {connections} connections",
        "beats/s",
        interleaved(sizes.rounds, with_streams, alone),
        at_least=0.9,
    )
