"""Heartbeats over HTTP, beside a bare view of the same server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
from django.conf import settings
from django.db import connection

from bench.figures import Measurement, compare_pairs, interleaved
from bench.floor import TABLES
from bench.office import database_copy, fill, served
from bench.sizes import Sizes
from builders.actions import issue_token
from builders.models import Builder, Heartbeat
from kit.runtime import embedded_postgres

# And at least how many times the bare view's heartbeats from so many connections.
CONNECTIONS = {5: 1.0, 50: 1.5}
# For scale: what Healthchecks' endpoint took of pings per second at its best, on two cores.
HEALTHCHECKS = {5: 203, 50: 184}


def run(sizes: Sizes) -> Iterator[Measurement]:
    with database_copy("bench_heartbeats") as name:
        fill()
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
        speakers = senders()
        before = Heartbeat.objects.count()
        connection.close()
        with served(name) as port:
            load = Load(port, speakers)
            load.send(
                "/api/bench/heartbeat", 5, min(1, sizes.seconds)
            )  # the workers start meanwhile
            load.send("/api/heartbeat", 5, min(1, sizes.seconds))
            for connections in CONNECTIONS:
                yield from measure_load(load, connections, sizes)
        stored = Heartbeat.objects.count() - before
        if stored != load.answered["/api/heartbeat"]:
            raise AssertionError(f"{load.answered} beats were answered and {stored} are stored")


def senders() -> list[dict[str, str]]:
    """Issue each builder a token, and return it with the task that the builder holds."""
    return [
        {
            "token": issue_token(builder, by=None)[1],
            "builder_id": builder.builder_id,
            "task_id": str(builder.current_task_id),
        }
        for builder in Builder.objects.all()
    ]


class Load:
    """The load client's task, and how many beats were answered for each path."""

    def __init__(self, port: int, senders: list[dict[str, str]]) -> None:
        self.port, self.senders = port, senders
        self.answered: dict[str, int] = {}

    def send(self, path: str, connections: int, seconds: float) -> dict[str, Any]:
        task = {
            "port": self.port,
            "path": path,
            "senders": self.senders,
            "connections": connections,
            "seconds": seconds,
        }
        before = server_cpu()
        client = subprocess.run(
            [sys.executable, "-m", "bench.load"],
            input=json.dumps(task),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        result = json.loads(client.stdout)
        if result["statuses"].keys() != {"201"}:
            raise AssertionError(f"{path} answered {result['statuses']}")
        answered = result["statuses"]["201"]
        self.answered[path] = self.answered.get(path, 0) + answered
        return result | {"cpu": (server_cpu() - before) / answered * 1000}


def server_cpu() -> float:
    """Return the seconds of processor time that web server and database have taken so far."""
    postmaster = embedded_postgres.Server(
        embedded_postgres.data_directory(settings.FOREMAN_VAR)
    ).postmaster()
    processes = psutil.Process().children(recursive=True)
    if postmaster:
        processes += postmaster.children()
    seconds = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            seconds += sum(process.cpu_times()[:2])
    return seconds


def measure_load(load: Load, connections: int, sizes: Sizes) -> Iterator[Measurement]:
    pairs = interleaved(
        sizes.rounds,
        lambda: load.send("/api/heartbeat", connections, sizes.seconds),
        lambda: load.send("/api/bench/heartbeat", connections, sizes.seconds),
    )
    for key, what, unit, bound in (
        ("rate", "heartbeats", "beats/s", {"at_least": CONNECTIONS[connections]}),
        ("p50", "heartbeat p50", "ms", {}),
        ("p99", "heartbeat p99", "ms", {"at_most": 3}),
        # What a beat costs, however busy the machine is with other things.
        ("cpu", "heartbeat processor time", "ms", {}),
    ):
        yield compare_pairs(
            f"{what}, {connections} connections",
            unit,
            [(measured[key], floor[key]) for measured, floor in pairs],
            **bound,
        )
    yield compare_pairs(
        f"heartbeats beside Healthchecks' pings, {connections} connections",
        "beats/s",
        [(measured["rate"], HEALTHCHECKS[connections]) for measured, _ in pairs],
        at_least=5,
    )
