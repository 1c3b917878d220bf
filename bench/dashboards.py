"""Open dashboards beside steady heartbeats: what both cost, how late beats and pages are."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import Group, User
from django.urls import reverse

from bench.figures import Measurement, compare_pairs, interleaved, percentile
from bench.heartbeats import senders, server_cpu
from bench.office import database_copy, fill, served
from bench.sizes import Sizes
from builders.models import Builder
from foreman_office.access.sessions import SessionStore
from kit.core.roles import Role

RATE = 100  # heartbeats a second, of all builders together
READERS = 10  # who have the dashboards open, half of whom decide
SETTLED = 3  # seconds after which the first pages have been asked for again


def run(sizes: Sizes) -> Iterator[Measurement]:
    with database_copy("bench_dashboards") as name:
        fill()
        pages = list(islice(zip(cycle(cookies()), cycle(addresses())), sizes.dashboards))
        speakers = senders()
        with served(name) as port:

            def watched(*, shares: bool) -> dict[str, float]:
                return beats_beside(port, pages, speakers, sizes.watched, shares=shares)

            watched(shares=True)  # the workers start meanwhile
            pairs = interleaved(
                sizes.rounds, lambda: watched(shares=True), lambda: watched(shares=False)
            )
    for key, what, unit, bound in (
        ("beat", "heartbeat beside {} dashboards, p95", "ms", {"under": 100.0}),
        ("age", "oldest of {} dashboards", "s", {"under": 3.0}),
        ("typical", "age of {} dashboards before an answer, p50", "s", {}),
        ("cpu", "processor time with {} dashboards, of a second", "s", {}),
        ("cost", "processor time of a refresh of {} dashboards", "ms", {}),
        ("asked", "refreshes of {} dashboards", "a second", {}),
    ):
        yield compare_pairs(
            what.format(len(pages)) + ", parts shared and not",
            unit,
            [(shared[key], alone[key]) for shared, alone in pairs],
            **bound,
        )


def addresses() -> list[str]:
    """Return the addresses of dashboards as they are open on walls and desks."""
    tasks = [builder.current_task for builder in Builder.objects.exclude(current_task=None)]
    wave = tasks[0].wave
    return [
        *("/", reverse("builders:builder_list"), reverse("programs:program_list")),
        *("/", wave.program.get_absolute_url(), wave.get_absolute_url()),
        *(task.get_absolute_url() for task in tasks),
    ]


def cookies() -> list[str]:
    """Return a cookie of a session for each reader."""
    found = []
    for number in range(READERS):
        user, _ = User.objects.get_or_create(username=f"reader {number}")
        role = Role.FOREMAN if number % 2 else Role.VIEWER
        user.groups.set(Group.objects.filter(name=role))
        session = SessionStore()
        session[auth.SESSION_KEY] = str(user.pk)
        session[auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        found.append(f"{settings.SESSION_COOKIE_NAME}={session.session_key}")
    return found


def beats_beside(
    port: int,
    pages: list[tuple[str, str]],
    speakers: list[dict[str, str]],
    seconds: float,
    *,
    shares: bool,
) -> dict[str, float]:
    beating = {"port": port, "senders": speakers, "rate": RATE}
    looking = {"port": port, "pages": pages, "shares": shares}
    with client(looking) as seen, client(beating) as beaten:
        time.sleep(SETTLED)
        began, before = time.time(), server_cpu()
        time.sleep(seconds)
        taken, took = server_cpu() - before, time.time() - began
    ages = [[age for at, age in page if at >= began] for page in seen["ages"]]
    refreshes = sum(map(len, ages)) or 1
    if seen["failed"] and shares:
        raise AssertionError(f"{seen['failed']} refreshes were not answered")
    return {
        "beat": percentile(beaten["latencies"], 95) * 1000,
        "age": max(map(max, ages)),
        "typical": percentile([age for page in ages for age in page], 50),
        "cpu": taken / took,
        "cost": taken / refreshes * 1000,
        "asked": refreshes / took,
    }


@contextmanager
def client(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Run a client for a while; at the end the dictionary has what it measured."""
    measured: dict[str, Any] = {}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.dashboard_client"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        process.stdin.write(json.dumps(task) + "\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        if process.stdout.readline() != "open\n":  # type: ignore[union-attr]
            raise AssertionError("the client could not begin")
        yield measured
        answer, _ = process.communicate()
        measured |= json.loads(answer)
