"""A PostgreSQL for one test run: fast because nothing needs to last, gone when the run is over.

The run's first process makes a directory and holds a lock in it; xdist's workers find it in their
environment. It is in memory where there is room, unless TMPDIR names a place. The server is an
embedded one like any other: the first user starts it, the last one stops it. A directory whose lock
nobody holds was left by a killed run, and the next run removes it.
"""

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil

from kit.runtime import embedded_postgres

VARIABLE = "FOREMAN_TEST_VAR"
SERVER_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
}
ROOM = 4 * 1024**3  # bytes: many times what the databases of a run take

_claim = None  # the open lock of the directory that this process made


def directory() -> Path:
    """Return the directory of this run; the first process to ask makes it."""
    global _claim
    if VARIABLE not in os.environ:
        home = _fastest_place() / f"foreman-tests-{os.geteuid()}"
        home.mkdir(mode=0o700, exist_ok=True)
        with _alone_in(home):
            for run in home.glob("run-*"):
                _remove_if_abandoned(run)
            made = Path(tempfile.mkdtemp(prefix="run-", dir=home))
            _claim = _lock_of(made)
            fcntl.flock(_claim, fcntl.LOCK_EX)
        os.environ[VARIABLE] = str(made)
    return Path(os.environ[VARIABLE])


def _fastest_place() -> Path:
    """Return the file system in memory where it has room, else where temporary files go."""
    memory = Path("/dev/shm")
    room = shutil.disk_usage(memory).free if os.access(memory, os.W_OK) else 0
    if "TMPDIR" in os.environ or min(room, psutil.virtual_memory().available) < ROOM:
        return Path(tempfile.gettempdir())
    return memory


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def server() -> AbstractContextManager[None]:
    return embedded_postgres.running(directory(), SERVER_SETTINGS)


def once(name: str, make: Callable[[Path], object]) -> Path:
    """Return what the first process of this run to ask made under this name."""
    made, draft = directory() / name, directory() / f"{name}.draft"
    with _alone_in(directory(), f"{name}.lock"):
        if not made.exists():
            make(draft)
            draft.rename(made)
    return made


def remove() -> None:
    """Remove the run's directory if this is the process that made it."""
    if _claim:
        with _alone_in(directory().parent):
            shutil.rmtree(directory())
        _claim.close()


@contextmanager
def _alone_in(home: Path, name: str = "lock") -> Iterator[None]:
    """Lock a folder: one process at a time makes, finds or removes things there."""
    with open(home / name, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_of(run: Path):
    return open(run / "claimed", "a")


def _remove_if_abandoned(run: Path) -> None:
    with _lock_of(run) as claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        embedded_postgres.Server(embedded_postgres.data_directory(run)).stop()
        shutil.rmtree(run)
