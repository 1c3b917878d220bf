"""The benchmarks run from end to end and yield their figures. How good those are is not asked.

Not a test of the office, so its name keeps it out of the suite: `make bench` runs it first.
"""

import json
import subprocess
import sys

import pytest
from django.conf import settings

from tests.platform.conftest import environment, place

PAGES = [
    *("inbox", "programs", "tasks", "builders", "quality", "QA runs", "blockers", "violations"),
    *("evidence", "search", "tasks by words", "program", "wave", "task", "builder"),
]
FIGURES = [
    *(
        f"{what}, {connections} connections"
        for connections in (5, 50)
        for what in (
            *("heartbeats", "heartbeat p50", "heartbeat p99", "heartbeat processor time"),
            "heartbeats beside Healthchecks' pings",
        )
    ),
    "WAL of a heartbeat, with an id of the office and a random one",
    "WAL of an act with one piece of evidence",
    *(
        f"database time of {page}, 500 beats in an hour and 500"
        for page in ("builders", "a builder", "a task", "a replay")
    ),
    *(
        f"slowest heartbeat beside {what}, and without"
        for what in (
            *("30 held connections", "12 that guess passwords"),
            "6 that send reports of the largest size",
        )
    ),
    *(f"beat to event, {count} streams, p95" for count in (1, 50, 150)),
    "beat to text in Chromium, p95",
    "processor time of a refresh, at once and part by part",
    *(f"heartbeats beside 150 streams, {connections} connections" for connections in (5, 50)),
    "progress of 20 tasks",
    *(f"{what} a plan of 20 tasks" for what in ("read and check", "write", "import")),
    "memory of the import, 20 tasks and a tenth",
    "report of 200 tests, processor time",
    "report of 200 tests, growth of the worker and size",
    "task page with two runs of 200 tests and of 50, processor time",
    *(f"{page}, large office and small, p95" for page in PAGES),
    "one sweep, large office and small",
    "replay of 900 pieces of evidence",
    "memory of the replay of 900 pieces of evidence, then and before",
    "retention of 600 beats",
    "memory of the retention of 600 beats, then and before",
    "heartbeats, 20 acts a second sealed and not",
    "heartbeat p99, 20 acts a second sealed and not",
    "WAL of a heartbeat, with a sealer and without",
    "seal 900 pieces of evidence",
    "sealing of 600 acts in half a minute",
    "one step of it, p95",
    "second start of an office, to its first page, and its code alone",
    "processor time of that",
    "memory of an idle office with its database (PSS), and of one process",
]


@pytest.fixture
def tmp_path():
    return place()


def bench(*arguments, into):
    return subprocess.run(
        [sys.executable, "-m", "bench", "--tiny", "--into", into, *arguments],
        cwd=settings.BASE_DIR,
        env=environment(into),
        capture_output=True,
        text=True,
    )


def test_every_benchmark_runs_and_yields_its_figures(tmp_path):
    ran = bench(into=tmp_path)
    assert ran.returncode == 0, ran.stderr
    (written,) = tmp_path.iterdir()  # and the office that was measured is gone
    figures = json.loads(written.read_text())["figures"]
    assert [figure["what"] for figure in figures] == FIGURES
    assert all(figure["measured"] > 0 and figure["floor"] > 0 for figure in figures)
    assert all(figure["what"] in ran.stdout for figure in figures)


def test_a_benchmark_that_does_not_exist_is_named(tmp_path):
    ran = bench("speed", into=tmp_path)
    assert ran.returncode == 2
    assert "unknown: speed" in ran.stderr
