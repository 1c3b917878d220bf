"""A few at a time: what is dear in processor or memory, in one process."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock


class NoTurn(Exception):
    """Too many wait for a turn already, or none came up in time."""


class Turns:
    """Run something in a number of threads at once, while a few others wait for their turn."""

    def __init__(self, at_once: int, waiting: int, patience: float) -> None:
        self.free, self.lock = BoundedSemaphore(at_once), Lock()
        self.places, self.patience = waiting, patience

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Run what is inside when its turn comes, or raise NoTurn."""
        if not self.free.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self.free.release()

    @property
    def is_full(self) -> bool:
        """Return whether nobody else may wait."""
        return not self.places

    def _wait(self) -> None:
        with self.lock:
            if not self.places:
                raise NoTurn
            self.places -= 1
        try:
            if not self.free.acquire(timeout=self.patience):
                raise NoTurn
        finally:
            with self.lock:
                self.places += 1
