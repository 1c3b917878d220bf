"""Which tests are slow, long or of processes, how many workers run them, which tools they need."""

import os
import shutil
from pathlib import Path

import pytest

# By each name that a tool goes by, and where Debian puts it. The headless shell is Chromium without
# windows: pages look the same in it, for half of the time.
TOOLS = {
    "Chromium": (
        *("chromium-headless-shell", "chromium", "chromium-browser"),
        *("google-chrome", "google-chrome-stable"),
    ),
    "PgBouncer": ("pgbouncer",),
}
PACKAGES = {"Chromium": "chromium", "PgBouncer": "pgbouncer"}
QUICK = "not slow and not lengthy"
# What the targets of the Makefile need of them, by their choice of tests; any other needs all.
NEEDED = {
    QUICK: set(),
    "not slow": set(),
    "not faults and not thorough": {"Chromium"},
    "thorough or hypothesis and not faults": {"Chromium"},
    "faults": {"PgBouncer"},
}
# Folders of tests that start, kill and cut off offices and servers: `make faults`.
FAULTS = ("faults", "platform")
# Folders and files of tests that go through all there is in the largest office or all sizes, or
# through all of the old history: `make thorough`. Single tests are marked.
THOROUGH = ("query_plans", "browser/test_large.py", "test_baseline.py")
# Folders of tests that start browsers, offices and servers, fill a large database, or ask for many
# pages at a time: all of the admin, and all that the simulation plays.
SLOW = (*FAULTS, "browser", "query_plans", "admin", "simulation")
# Folders and files of tests that take long together, though they start nothing: they ask for page
# after page, seal again and again, or let two sessions race.
LENGTHY = (
    *("access", "dashboard", "governance/sealing", "governance/test_owner_attacks.py"),
    *("governance/test_departures.py", "governance/test_gate_races.py"),
    *("api/test_proof.py", "api/test_proof_times.py", "test_checks.py"),
)
TESTS = Path(__file__).parent
PATH = f"{os.environ['PATH']}:/usr/sbin"


def find_tool(name: str) -> str | None:
    """Return the path of a tool, if it is installed."""
    return next(filter(None, (shutil.which(known, path=PATH) for known in TOOLS[name])), None)


def pytest_configure(config):
    """Fail with the names of the tools that are missing, before a hundred tests fail for them."""
    if hasattr(config, "workerinput"):
        return
    option = config.option
    if option.file_or_dir or option.keyword:
        needed = {"PgBouncer"} if os.environ.get("DATABASE_POOLED") == "true" else set()
    else:
        needed = NEEDED.get(option.markexpr, TOOLS.keys())
    if missing := [name for name in sorted(needed) if not find_tool(name)]:
        packages = " ".join(PACKAGES[name] for name in missing)
        raise pytest.UsageError(
            f"The tests need {' and '.join(missing)}: install it (Debian, Ubuntu: apt install"
            f" {packages}), or run `make quick`, which needs neither."
        )


def pytest_xdist_auto_num_workers():
    """Return one worker more than processors, for the time in which others wait."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_ignore_collect(collection_path, config):
    """Leave out folders of which no test is chosen: to read them takes as long as their tests."""
    left_out = {QUICK: (*SLOW, *LENGTHY), "not slow": SLOW}.get(config.option.markexpr, ())
    return True if collection_path in [TESTS / name for name in left_out] else None


def pytest_collection_modifyitems(items):
    """Sort slow tests first: they wait a lot, and the other tests fill that time."""
    for item in items:
        path = item.path.relative_to(TESTS)
        folder = path.parts[0]
        if folder in SLOW:
            item.add_marker(pytest.mark.slow)
        if any(path.is_relative_to(one) for one in LENGTHY):
            item.add_marker(pytest.mark.lengthy)
        if folder in FAULTS:
            item.add_marker(pytest.mark.faults)
        if folder in THOROUGH or path.as_posix() in THOROUGH:
            item.add_marker(pytest.mark.thorough)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
