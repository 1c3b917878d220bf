"""Run a blocking probe in one shared thread, with a timeout."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread

from django.db import connection


class SingleFlight[Answer]:
    """Run a blocking call in a thread of its own, and wait for its result up to a timeout.

    Concurrent callers wait for the same result, so a call that hangs holds one thread and one
    connection, however often it is requested.
    """

    def __init__(self, question: Callable[[], Answer]) -> None:
        self.question = question
        self.lock = Lock()
        self.pending: Future[Answer] | None = None
        self.began = 0.0

    def within(self, seconds: float) -> Answer:
        """Return the answer, or raise TimeoutError if it took or takes longer than that."""
        with self.lock:
            if self.pending is None:
                self.pending, self.began = Future(), time.monotonic()
                Thread(target=self._ask, args=[self.pending], name="look", daemon=True).start()
            pending, left = self.pending, self.began + seconds - time.monotonic()
        return pending.result(max(0, left))

    def _ask(self, pending: Future[Answer]) -> None:
        try:
            answer = self.question()
        except BaseException as error:
            self._settle()
            pending.set_exception(error)
        else:
            self._settle()
            pending.set_result(answer)

    def _settle(self) -> None:
        connection.close()
        with self.lock:
            self.pending = None
