"""Work in a process of its own, to see how much memory it takes."""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import psutil
from django.db import connection


def alone(work: Callable[[], object]) -> tuple[float, tuple[float, float]]:
    """Return how long the work took in ms, and the most memory then and that before, in MB."""
    connection.close()
    connection.close_pool()
    ours, theirs = multiprocessing.Pipe()
    fork = multiprocessing.get_context("fork")  # which brings along what the work is to work on
    process = fork.Process(target=measure, args=(work, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        process.join()


def measure(work: Callable[[], object], answer: Connection) -> None:
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    work()
    took = (time.perf_counter() - began) * 1000
    connection.close()
    answer.send((took, (most() / 1e6, before / 1e6)))


def most() -> int:
    """Return the most memory that this process has held, in bytes, as Linux counts it."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
