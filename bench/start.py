"""The start of an office and its memory when idle, beside one process that has loaded it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
from django.conf import settings

from bench.figures import Measurement, compare_pairs, interleaved
from bench.sizes import Sizes
from kit.runtime import embedded_postgres

OPEN = re.compile(r"open at (http://\S+/)")
# What an office loads, without serving it.
LOADED = "import foreman_office.wsgi; print('open at http://nowhere/', flush=True); input()"
SETTLED = 5  # seconds until an office that is open rests


def run(sizes: Sizes) -> Iterator[Measurement]:
    var = Path(settings.FOREMAN_VAR) / "started"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "foreman_office.settings",
        "FOREMAN_VAR": str(var),
    }
    with opened_process(["manage.py", "office"], environment):
        pass  # the first start makes the database
    pairs = interleaved(
        sizes.rounds,
        lambda: start_figures(["manage.py", "office"], environment, var),
        lambda: start_figures(["-c", LOADED], environment, None),
    )
    for step, (what, unit, bound) in enumerate(
        (
            ("second start of an office, to its first page, and its code alone", "ms", {}),
            ("processor time of that", "ms", {}),
            ("memory of an idle office with its database (PSS), and of one process", "MB", MEMORY),
        )
    ):
        of_step = [(measured[step], floor[step]) for measured, floor in pairs]
        yield compare_pairs(what, unit, of_step, **bound)


MEMORY = {"under": 240.0}


def start_figures(
    command: list[str], environment: Mapping[str, str], var: Path | None
) -> tuple[float, float, float]:
    """Return when a process was open, its processor time until then (ms), and its memory (MB)."""
    began = time.perf_counter()
    with opened_process(command, environment) as process:
        took = time.perf_counter() - began
        known = tree(process, var)
        spent = processor_time(known)
        time.sleep(SETTLED if var else 0)
        return took * 1000, spent * 1000, sum(map(proportional_size, tree(process, var))) / 1e6


@contextmanager
def opened_process(command: list[str], environment: Mapping[str, str]) -> Iterator[psutil.Process]:
    """Run a process until it is open, and close it afterwards."""
    popen = subprocess.Popen(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in popen.stdout or ():
            if found := OPEN.search(line):
                if "nowhere" not in found[1]:
                    urlopen(f"{found[1]}login/").close()  # noqa: S310  our own
                break
        else:
            raise AssertionError(f"{command} did not open")
        yield psutil.Process(popen.pid)
    finally:
        popen.terminate()
        popen.communicate()


def tree(process: psutil.Process, var: Path | None) -> list[psutil.Process]:
    """Return a process, all that it started, and the server of its database."""
    found = {process, *process.children(recursive=True)}
    if var:
        server = embedded_postgres.Server(embedded_postgres.data_directory(var))
        if postmaster := server.postmaster():
            found |= {postmaster, *postmaster.children(recursive=True)}
    return [*found]


def processor_time(processes: Iterable[psutil.Process]) -> float:
    """Return the seconds that processes have taken, with their children that have ended."""
    seconds = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            seconds += sum(process.cpu_times()[:4])
    return seconds


def proportional_size(process: psutil.Process) -> int:
    """Return the memory of a process, with its share of what it shares with others, in bytes."""
    with suppress(psutil.NoSuchProcess):
        size: int = process.memory_full_info().pss
        return size
    return 0
