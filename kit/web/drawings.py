"""What this process has drawn of parts in the last second, to be shared by those who ask."""

import time
from collections.abc import Callable, Hashable
from threading import Event, Lock
from typing import NamedTuple

from django.db import close_old_connections

MOST_AGE = 1  # seconds after its beginning in which a drawing is shared: time changes it too
PATIENCE = 10  # seconds that a request waits for a drawing that another one has begun


class Part(NamedTuple):
    """A part as it was drawn."""

    etag: str
    html: str


class Drawing:
    """Parts that are being drawn, or were; None if they could not be."""

    def __init__(self) -> None:
        self.began, self.age_from = time.time(), time.monotonic()
        self.done = Event()
        self.parts: dict[str, Part] | None = None
        self.revision = ""


class Drawings:
    """The newest drawing of each key, for as long as it is shared."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._newest: dict[Hashable, Drawing] = {}  # in the order in which they were added

    def take(self, key: Hashable, since: float, draw: Callable[[Drawing], None]) -> Drawing:
        """Return a drawing that began since a moment; of those who ask together one draws.

        If that fails it is told why, and each of the others draws for itself.
        """
        with self._lock:
            begun = self._shared(key, since)
            drawing = begun or self._added(key, Drawing())
        if begun and was_drawn(begun):
            return begun
        if begun:
            drawing = Drawing()
        try:
            draw(drawing)
        finally:
            if drawing.parts is None:
                self._drop(key, drawing)
            drawing.done.set()
        return drawing

    def has(self, key: Hashable, since: float) -> bool:
        """Return whether somebody draws, or has drawn, what began since a moment."""
        with self._lock:
            return self._shared(key, since) is not None

    def find(self, key: Hashable, since: float) -> Drawing | None:
        """Return a drawing that is done and began since a moment, if there is one."""
        with self._lock:
            drawing = self._shared(key, since)
        return drawing if drawing and drawing.parts else None

    def offer(self, key: Hashable, drawing: Drawing) -> None:
        """Share a drawing under a second key, if none that began later is there."""
        with self._lock:
            if not self._shared(key, drawing.began):
                self._added(key, drawing)

    def _shared(self, key: Hashable, since: float) -> Drawing | None:
        drawing = self._newest.get(key)
        return drawing if drawing and drawing.began >= since and not is_old(drawing) else None

    def _added(self, key: Hashable, drawing: Drawing) -> Drawing:
        while self._newest and is_old(self._newest[oldest := next(iter(self._newest))]):
            del self._newest[oldest]
        self._newest.pop(key, None)
        self._newest[key] = drawing
        return drawing

    def _drop(self, key: Hashable, drawing: Drawing) -> None:
        with self._lock:
            if self._newest.get(key) is drawing:
                del self._newest[key]


def is_old(drawing: Drawing) -> bool:
    return drawing.age_from < time.monotonic() - MOST_AGE


def was_drawn(drawing: Drawing) -> bool:
    """Wait for a drawing that another thread has begun, and return whether it has parts."""
    if not drawing.done.is_set():
        close_old_connections()  # a thread that waits holds none
        drawing.done.wait(PATIENCE)
    return drawing.parts is not None


drawings = Drawings()
