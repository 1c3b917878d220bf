"""The present moment as text, by which what was read before and after it can be told apart.

It is compared by processes of one machine only, because the clocks of two differ: it bears a name
of the machine, and one of another machine is none.
"""

import socket
import time
from hashlib import sha256
from pathlib import Path

# The header in which an answer says by when it was read, and a page by when all it shows was.
MOMENT = "Foreman-Moment"


def machine() -> str:
    """Return a name of this machine since its start, which says nothing about it."""
    try:
        known_by = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:  # not Linux
        known_by = socket.gethostname()
    return sha256(known_by.encode()).hexdigest()[:8]


MACHINE = machine()


def this_moment() -> str:
    return f"{time.time():.6f}-{MACHINE}"


def seconds_of(moment: str) -> float:
    """Return the time of a moment, or raise ValueError."""
    return float(moment.partition("-")[0])


def known_moment(moment: str) -> float | None:
    """Return the time of a moment of this machine; None for any other text."""
    at, _, where = moment.partition("-")
    try:
        return float(at) if where == MACHINE else None
    except ValueError:
        return None
