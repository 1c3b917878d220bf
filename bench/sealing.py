"""What the sealing costs: beats beside it, what they write, and the sealing of a long history."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.db import connection

from bench.figures import Measurement, compare_pairs, interleaved, percentile
from bench.heartbeats import Load, senders, server_cpu
from bench.office import database_copy, fill, served
from bench.sizes import Sizes
from governance.sealing.sealer import seal
from governance.sealing.watching import EVERY
from programs.models import Program

ACTS_EVERY = 0.05  # seconds: twenty acts a second leave evidence, far more than an office has
SEALED_EVERY = 1.0  # seconds: thirty times as often as a watcher does
BUSY = 600  # rows that an office leaves between two steps of a watcher, where much is done
CONNECTIONS = 5


def run(sizes: Sizes) -> Iterator[Measurement]:
    with database_copy("bench_sealing") as name:
        fill()
        seal_all()
        speakers = senders()
        connection.close()
        with served(name) as port:
            load = Load(port, speakers)
            load.send("/api/heartbeat", CONNECTIONS, min(1, sizes.seconds))
            yield from measure_beats(load, sizes)
    with database_copy("bench_sealing_history") as name:
        fill(sizes.large)
        settings.FOREMAN_WITNESS_FILE = str(settings.FOREMAN_VAR / "history.txt")
        yield from measure_history(sizes.large.evidence)


def measure_beats(load: Load, sizes: Sizes) -> Iterator[Measurement]:
    """Send beats while acts leave evidence, with a sealer and without one."""

    def beside(*work: Callable[[], Any]) -> dict[str, float]:
        with at_work((rename_program, ACTS_EVERY), *((each, SEALED_EVERY) for each in work)):
            return measured(load, sizes)

    pairs = interleaved(sizes.rounds, lambda: beside(seal), beside)
    for key, what, unit, bound in (
        ("rate", "heartbeats", "beats/s", {"at_least": 0.9}),
        ("p99", "heartbeat p99", "ms", {}),
    ):
        yield compare_pairs(
            f"{what}, 20 acts a second sealed and not",
            unit,
            [(one[key], other[key]) for one, other in pairs],
            **bound,
        )

    def alone(*work: Callable[[], Any]) -> dict[str, float]:
        with at_work(*((each, SEALED_EVERY) for each in work)):
            return measured(load, sizes)

    pairs = interleaved(sizes.rounds, lambda: alone(seal), alone)
    yield compare_pairs(
        "WAL of a heartbeat, with a sealer and without",
        "bytes",
        [(one["wal"], other["wal"]) for one, other in pairs],
    )


def measured(load: Load, sizes: Sizes) -> dict[str, float]:
    """Send beats, and return how they went and the WAL that was written for each."""
    before = position()
    result = load.send("/api/heartbeat", CONNECTIONS, sizes.seconds)
    return result | {"wal": (position() - before) / result["statuses"]["201"]}


def measure_history(rows: int) -> Iterator[Measurement]:
    """Seal an office's whole history step by step, beside the WAL-logged copy of the same rows."""
    steps = []
    began = time.perf_counter()
    while (step := with_its_time(seal))[1].sealed:
        steps.append(step)
    took = time.perf_counter() - began
    sealed = sum(step.sealed for _, step in steps)
    yield compare_pairs(
        f"seal {rows:,} pieces of evidence", "rows/s", [(sealed / took, sealed / seconds_of_copy())]
    )
    share = median(share_of_a_core() for _ in range(5))
    yield compare_pairs(
        "sealing of 600 acts in half a minute", "% of a core", [(share, share)], under=2
    )
    slowest = percentile([seconds * 1000 for seconds, _ in steps], 95)
    yield compare_pairs("one step of it, p95", "ms", [(slowest, slowest)], under=2_000)


def share_of_a_core() -> float:
    """Return what a step over many acts takes of a core until the next one, in per cent."""
    for _ in range(BUSY):
        rename_program()
    before = server_cpu() + time.process_time()
    seal()
    return (server_cpu() + time.process_time() - before) / EVERY * 100


def seconds_of_copy() -> float:
    """Return the seconds in which the database copies the trail into another table."""
    with connection.cursor() as cursor:
        seconds, _ = with_its_time(
            lambda: cursor.execute("CREATE TABLE copied AS SELECT * FROM evidence_trail")
        )
        cursor.execute("DROP TABLE copied")
    return seconds


def with_its_time[T](work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def seal_all() -> None:
    while seal().is_full:
        pass


def rename_program() -> None:
    """Change something that leaves one row of evidence."""
    program = Program.objects.order_by("pk").first()
    Program.objects.filter(pk=program.pk).update(description=f"As of {time.time()}")


def position() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


@contextmanager
def at_work(*work: tuple[Callable[[], Any], float]) -> Iterator[None]:
    """Do each work in a thread of its own, again and again after a rest."""
    stop = Event()

    def repeat(what: Callable[[], Any], every: float) -> None:
        try:
            while not stop.wait(every):
                what()
        finally:
            connection.close()

    threads = [Thread(target=repeat, args=each) for each in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
