"""Heartbeats over HTTP, beside a bare view of the same server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from django.db import connection

from bench.figures import Figure, compare, interleaved
from bench.floor import TABLES
from bench.office import database, fill, served
from bench.sizes import Sizes
from builders.actions import issue_token
from builders.models import Builder, Heartbeat

CONNECTIONS = [5, 50]


def run(sizes: Sizes) -> Iterator[Figure]:
    with database("bench_heartbeats") as name:
        fill(last=1, waves=1, tasks=20)
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
        senders = [
            {
                "token": issue_token(builder, by=None)[1],
                "builder_id": builder.builder_id,
                "task_id": str(builder.current_task_id),
            }
            for builder in Builder.objects.all()
        ]
        before = Heartbeat.objects.count()
        connection.close()
        with served(name) as port:
            load = Load(port, senders)
            load.send("/bench/heartbeat", 5, min(1, sizes.seconds))  # the workers start meanwhile
            load.send("/api/heartbeat", 5, min(1, sizes.seconds))
            for connections in CONNECTIONS:
                yield from measure(load, connections, sizes)
        stored = Heartbeat.objects.count() - before
        if stored != load.answered["/api/heartbeat"]:
            raise AssertionError(f"{load.answered} beats were answered and {stored} are stored")


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
        self.answered[path] = self.answered.get(path, 0) + result["statuses"]["201"]
        return result


def measure(load: Load, connections: int, sizes: Sizes) -> Iterator[Figure]:
    pairs = interleaved(
        sizes.rounds,
        lambda: load.send("/api/heartbeat", connections, sizes.seconds),
        lambda: load.send("/bench/heartbeat", connections, sizes.seconds),
    )
    for key, what, unit, bound in (
        ("rate", "heartbeats", "beats/s", {"at_least": 0.7}),
        ("p50", "heartbeat p50", "ms", {}),
        ("p99", "heartbeat p99", "ms", {"at_most": 3}),
        ("client_cpu", "load client", "cores", {}),
    ):
        yield compare(
            f"{what}, {connections} connections",
            unit,
            [(measured[key], floor[key]) for measured, floor in pairs],
            **bound,
        )
