"""Run work in a fresh process, to measure how much memory it takes."""

import multiprocessing
import pickle
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import django
import psutil
from django.db import connection


def alone(work: Callable[[], object]) -> tuple[float, tuple[float, float]]:
    """Return how long the work took in ms, and the most memory then and that before, in MB.

    A fresh process has no free memory of earlier work, which this work could reuse.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=measure_alone, args=(pickle.dumps(work), connection.settings_dict["NAME"], theirs)
    )
    process.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        process.join()


def measure_alone(pickled: bytes, database: str, answer: Connection) -> None:
    django.setup()
    work = pickle.loads(pickled)  # noqa: S301  our own, and it may ask for what was just set up
    connection.settings_dict["NAME"] = database
    connection.ensure_connection()
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    work()
    took = (time.perf_counter() - began) * 1000
    connection.close()
    connection.close_pool()
    answer.send((took, (most() / 1e6, before / 1e6)))


def most() -> int:
    """Return the most memory that this process has held, in bytes, as Linux counts it."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
