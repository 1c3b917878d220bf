"""Heartbeats from a thread, for as long as some work takes."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any

from foreman.builder import Builder
from foreman.errors import ForemanError


class Pulse:
    """Sends a heartbeat now and every so many seconds, until it is stopped.

    No failure of it is raised: work goes on while the office is away, and what is told of it is
    told once.
    """

    def __init__(
        self, builder: Builder, task_id: str | None, every: float, tell: Callable[[str], None]
    ) -> None:
        self.builder, self.task_id, self.every, self.tell = builder, task_id, every, tell
        self.said: dict[str, Any] = {"status": "active"}
        self.ended = Event()
        self._told = ""
        self._one_at_a_time = Lock()
        self._thread = Thread(target=self._run, name="foreman-pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a beat that is under way is kept on disk."""
        self.ended.set()
        if self._thread.ident:  # it was started
            self._thread.join(timeout=15)

    def beat(self, **said: Any) -> None:
        """Send a heartbeat now; what it says is repeated by the later ones."""
        with self._one_at_a_time:
            self.said.update(said)
            try:
                outcome = self.builder.beat(task_id=self.task_id, **self.said, patience=0.2)
            except ForemanError as error:
                self._tell_once(str(error))
                return
            if outcome.refused:
                self._tell_once(f"The office refused a heartbeat: {outcome.refused}")
            elif outcome.kept:
                self._tell_once(f"{outcome.trouble} Heartbeats and reports are kept for later.")
            else:
                self._told = ""

    def _tell_once(self, words: str) -> None:
        if not self._told:
            self._told = words
            self.tell(words)

    def _run(self) -> None:
        self.beat()
        while not self.ended.wait(self.every):
            self.beat()
