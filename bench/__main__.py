"""Run the benchmarks: `make bench`, or some of them by name: `python -m bench heartbeats`."""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import django

from bench.figures import Measurement, table
from bench.sizes import FULL, TINY, Sizes

ROOT = Path(__file__).resolve().parent.parent
NAMES = [
    *("heartbeats", "wal", "window", "crowd", "streams", "progress", "imports", "reports"),
    *("pages", "upkeep", "sealing", "start"),
]


def main() -> int:
    options = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    options.into.mkdir(parents=True, exist_ok=True)
    # On the disk that the office's own database is on: what a commit costs is that disk's word.
    with tempfile.TemporaryDirectory(prefix="office-", dir=options.into) as var:
        figures = measure(options.names or NAMES, TINY if options.tiny else FULL, Path(var))
    sys.stdout.write(f"\n{table(figures)}\n")
    path = write_results(figures, options)
    sys.stdout.write(f"\nWritten to {path}\n")
    return int(options.strict and any(figure.met is False for figure in figures))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--strict", action="store_true", help="fail where a bound is not met")
    parser.add_argument("--tiny", action="store_true", help="only see that everything runs")
    parser.add_argument("--into", type=Path, default=ROOT / "var" / "bench", metavar="DIRECTORY")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    options.into = options.into.resolve()
    return options


def measure(names: Iterable[str], sizes: Sizes, var: Path) -> list[Measurement]:
    """Set up a migrated office of its own under `var`, and run the benchmarks on copies of it."""
    # Safe by default, and on its own PostgreSQL; how many workers and threads is for the
    # environment to say, as for any office.
    os.environ.update(
        DJANGO_SETTINGS_MODULE="bench.settings", FOREMAN_VAR=str(var), DATABASE_URL="", PORT="0",
        SECRET_KEY="", DEBUG="false", HTTPS="false", FOREMAN_SIMULATION="false",
    )  # fmt: skip
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from kit.runtime import embedded_postgres, statics
    from kit.runtime.database_addresses import OWNER, acting_as

    figures = []
    with embedded_postgres.running(var):
        say("setting up an office")
        with acting_as(OWNER):
            call_command("migrate", verbosity=0)
        # What is served is served by the office's role; here databases are made and filled.
        connection.settings_dict["USER"] = embedded_postgres.SUPERUSER
        statics.collect()
        connection.close_pool()
        for name, run in benchmarks(names):
            say(name)
            for figure in run(sizes):
                say(f"  {figure}")
                figures.append(figure)
        connection.close_pool()
    return figures


def benchmarks(
    names: Iterable[str],
) -> Iterator[tuple[str, Callable[[Sizes], Iterable[Measurement]]]]:
    """Yield each benchmark by its name, which is that of its module."""
    for name in names:
        yield name, import_module(f"bench.{name}").run


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def write_results(figures: list[Measurement], options: argparse.Namespace) -> Path:
    """Write the run's results, with the machine and versions that one must know to read it."""
    from django.conf import settings

    now = datetime.now(UTC)
    content = {
        "at": now.isoformat(timespec="seconds"),
        "tiny": options.tiny,
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
        },
        "settings": {
            name: getattr(settings, name)
            for name in ("WEB_WORKERS", "WEB_THREADS", "FOREMAN_DB_POOL_SIZE")
        },
        "figures": [asdict(figure) | {"met": figure.met} for figure in figures],
    }
    path = options.into / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
