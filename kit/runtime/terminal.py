"""Move this process to the foreground of its terminal, in a process group of its own."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def keys_reach_us_alone() -> Iterator[int | None]:
    """Send Ctrl-C to this process only, and not to the `make` that started it, which would fail.

    As a shell does with each of its jobs, this makes the process a group of its own, in the
    foreground of the terminal. Ctrl-Z does nothing meanwhile, as no shell would resume it. Yields
    the group that had the terminal before, or None if none shared it.
    """
    if not _share_the_foreground():
        yield None
        return
    before = os.getpgrp()
    os.setpgid(0, 0)
    _to_the_foreground(os.getpid())
    suspend = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        with given_back(before):
            yield before
    finally:
        signal.signal(signal.SIGTSTP, suspend)


@contextmanager
def given_back(group: int | None) -> Iterator[None]:
    """Return the terminal in the end to the group that it was taken from, if it was."""
    try:
        yield
    finally:
        if group is not None:
            with suppress(OSError):  # the terminal or who shared it may be gone
                _to_the_foreground(group)
                os.setpgid(0, group)


def _share_the_foreground() -> bool:
    """Return whether we are in the foreground of a terminal, in a group that another leads."""
    if os.getpgrp() == os.getpid() or not sys.stdin.isatty():
        return False
    return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


def _to_the_foreground(group: int) -> None:
    # A process that does this from the background is stopped, unless it ignores SIGTTOU.
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        os.tcsetpgrp(sys.stdin.fileno(), group)
    finally:
        signal.signal(signal.SIGTTOU, before)
