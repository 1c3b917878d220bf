"""A reading worker for an application with a short cut (kit.runtime.short_cut)."""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from queue import Empty, SimpleQueue
from socket import MSG_DONTWAIT
from threading import Thread
from typing import Any

from kit.runtime.connection import Connection
from kit.runtime.short_cut import Answered, ShortCut
from kit.runtime.worker import ReadingWorker

# Requests that are answered by one call.
MOST_TOGETHER = 100
# Seconds that the first waits for as many as were answered before.
GATHERS = 0.002

# What finishes a request whose connection is kept.
KEPT: Future[bool] = Future()
KEPT.set_result(True)


class ShortCutWorker(ReadingWorker):
    """Answer requests that the application knows together, in one thread of their own."""

    short_cut: ShortCut[Any] | None = None
    takes_short_cuts = False

    def run(self) -> None:
        if isinstance(self.wsgi, ShortCut):
            self.short_cut = self.wsgi
            self.takes_short_cuts = True
            self.asked: SimpleQueue[Connection] = SimpleQueue()
            Thread(target=self._answer_all, daemon=True).start()
        super().run()

    def _assign(self, conn: Connection) -> None:
        """Queue a request for the short cut, or for a thread."""
        if self._takes_short_cut(conn):
            self.asked.put(conn)
        else:
            super()._assign(conn)

    def _takes_short_cut(self, conn: Connection) -> bool:
        conn.head, conn.asked = None, None
        if not self.short_cut or not self.takes_short_cuts or conn.is_large:
            return False
        conn.complete_at = time.monotonic()
        conn.head, asked = self.short_cut.read(conn.received)
        # Where the connection is not to be kept, gunicorn says so.
        is_kept = self.alive and self.cfg.keepalive
        if asked is None or not is_kept or len(self.keepalived_conns) >= self.max_keepalived:
            return False
        conn.asked = asked
        return True

    def _answer_all(self) -> None:
        """Answer what arrives, for as long as nothing fails that is nobody's fault."""
        try:
            self._answer_together()
        finally:
            self.method_queue.defer(self._end_short_cuts)

    def _end_short_cuts(self) -> None:
        self.takes_short_cuts = False
        while not self.asked.empty():
            super()._assign(self.asked.get())

    def _answer_together(self) -> None:
        """Answer what has arrived meanwhile, again and again.

        Who was answered together is likely to ask again together: as many are waited for, briefly.
        """
        together: list[Connection] = []
        while True:
            expected = len(together)
            together = [self.asked.get()]
            until = time.monotonic() + GATHERS
            while len(together) < MOST_TOGETHER:
                rest = until - time.monotonic() if len(together) < expected else 0
                try:
                    together.append(self.asked.get(rest > 0, max(rest, 0)))
                except Empty:
                    break
            answers: Sequence[Answered | None] = [None] * len(together)
            try:
                answers = self.short_cut.answer([conn.asked for conn in together])  # type: ignore[union-attr]
            finally:
                self.method_queue.defer(self._send_together, together, answers)

    def _send_together(
        self, together: Sequence[Connection], answers: Sequence[Answered | None]
    ) -> None:
        for conn, answer in zip(together, answers, strict=True):
            if answer is None:
                super()._assign(conn)
                continue
            conn.received = bytearray()
            try:
                sent = conn.sock.send(answer.content, MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._let_go(conn)
                continue
            if self.log.access_log_enabled:
                peer = conn.client if isinstance(conn.client, str) else conn.client[0]
                took = timedelta(seconds=time.monotonic() - conn.complete_at)
                self.log.access(answer, None, {**answer.environ, "REMOTE_ADDR": peer}, took)
            if sent == len(answer.content):
                self.finish_request(conn, KEPT)
            else:
                done = self.tpool.submit(self._send_rest, conn, answer.content[sent:])
                finish = partial(self.method_queue.defer, self.finish_request, conn)
                done.add_done_callback(finish)

    def _send_rest(self, conn: Connection, answer: bytes) -> bool:
        """Wait for a client that has not taken its earlier answers, as any thread does."""
        self.answering.add(conn)
        try:
            conn.sock.setblocking(True)
            conn.sock.sendall(answer)
        finally:
            self.answering.discard(conn)
        return True

    def handle_request(self, request: Any, conn: Connection) -> Any:
        if not self.short_cut:
            return super().handle_request(request, conn)
        with self.short_cut.usual_way(conn.head, conn.asked):
            return super().handle_request(request, conn)
