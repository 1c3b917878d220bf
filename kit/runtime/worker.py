"""A web worker whose threads never wait for a client's request to arrive.

gunicorn's own worker gives each new connection a thread, and a stalled or silent client keeps it:
a few hundred of them block all heartbeats. Here the loop that accepts also reads, and a request
gets a thread once it is complete.

gunicorn's own worker also accepts nobody while it has `worker_connections`. Here it always accepts,
and lets go of the connection that is missed least.
"""

import ctypes
import gc
import math
import os
import re
import resource
import socket
import struct
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from itertools import takewhile
from operator import itemgetter
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from kit.core.bounds import LARGE
from kit.runtime.connection import (
    HEAD_ENDS,
    MOST_OF_NETWORK,
    Connection,
    bytes_unsent,
    has_not_spoken,
)
from kit.runtime.refusals import MissingHost, answer_refused, lacks_host, status_of

CHUNK = 64 * 1024
# Bytes of a head, beyond which the server knows better, and refuses it.
LONGEST_HEAD = 64 * 1024
# Bytes of a request that are read ahead of a thread: the largest report. What says that it is
# longer is refused for that, or is a file that a foreman sends.
READ_AHEAD = 8 * 1024 * 1024 + LONGEST_HEAD
# Bytes that all unfinished requests of a process may hold; beyond, who sends much is let go.
HELD = 64 * 1024 * 1024
# Seconds for a request to arrive, from its first byte or from the connection.
ARRIVES = 20
# The same while a process has half of the connections that it may have.
ARRIVES_IN_A_CROWD = 2
# Seconds in which a request follows on its connection, if the client means to send one.
JUST_NOW = 0.25
# Seconds in which a client that has connected sends its first byte, and the loop reads it.
THIS_MOMENT = 0.01
# Seconds that a thread waits for a client to send more, or to take more of an answer.
STALLED = 10
# The same while requests wait for a thread, and seconds between two looks at who takes nothing.
STALLED_IN_A_CROWD, LOOK = 0.1, 0.05
# Seconds that a client has to take the rest of its answer and to close: see `finish_request`.
LINGERS, LINGERS_AT_THE_END = 2, 0.2
# Seconds after which a thread of Python makes way for others: with a hundred at work, a beat would
# wait a hundred times for it.
SWITCH, SWITCH_IN_A_CROWD = sys.getswitchinterval(), 0.0005
# What is answered soon and briefly has threads of its own while others wait for one.
PROMPT, PROMPT_THREADS = re.compile(rb"POST /api/heartbeat[ ?]"), 8
# Connections accepted in one turn of the loop.
AT_ONCE = 64
# Files that a process needs apart from connections.
OTHER_FILES = 200
# Seconds between two signs of life for the master, which gives a worker thirty.
BETWEEN_SIGNS = 1

libc = ctypes.CDLL(None)

LENGTH = re.compile(rb"\r\nContent-Length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
# Where only the server can tell how much there is, or has to speak first.
UNKNOWN = re.compile(rb"\r\n(Transfer-Encoding|Expect):", re.IGNORECASE)


def is_all_there(received: bytes | bytearray) -> bool:
    """Return whether a thread can handle this without waiting for the client."""
    end = received.find(HEAD_ENDS)
    if end < 0:
        return len(received) >= LONGEST_HEAD
    head = bytes(received[: end + 2])
    if UNKNOWN.search(head):
        return True
    length = LENGTH.search(head)
    total = end + len(HEAD_ENDS) + int(length[1] if length else 0)
    return len(received) >= total or total > READ_AHEAD


class ReadingWorker(ThreadWorker):
    """Read requests in the loop, and assign a thread to each that is complete."""

    notified_at = 0.0
    settled = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.most: int = self.cfg.worker_connections
        self.most_of_network = int(os.environ.get(MOST_OF_NETWORK) or 0)
        self.of_networks: Counter[str] = Counter()
        self.worker_connections = math.inf  # accept always: see `accept`
        # Connections whose request waits for a thread, and those that a thread is answering.
        self.waiting: set[TConn] = set()
        self.answering: set[TConn] = set()
        # Connections that are answered and closed, until the client closes them too.
        self.lingering: deque[TConn] = deque()
        self.prompt = ThreadPoolExecutor(PROMPT_THREADS)
        # Large requests that wait for the one before them.
        self.large: deque[TConn] = deque()
        self.large_now: TConn | None = None
        # How much of an answer was unsent at the last look, and since when.
        self.looked: dict[TConn, tuple[int, float]] = {}

    def notify(self) -> None:
        """Send the heartbeat to gunicorn's master once a second: each one is a system call."""
        now = time.monotonic()
        if now - self.notified_at >= BETWEEN_SIGNS:
            self.notified_at = now
            super().notify()

    def init_process(self) -> None:
        # A connection is a file, and many may be open at once.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        if most != resource.RLIM_INFINITY:
            self.most = max(1, min(self.most, most - OTHER_FILES))
        super().init_process()

    # --- who is let go ----------------------------------------------------------------------------

    def accept(self, listener: socket.socket) -> None:
        """Accept who is waiting, and let go of as many others where there are too many."""
        address = listener.getsockname()
        for _ in range(AT_ONCE):
            try:
                client, peer = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            self.nr_conns += 1
            conn = Connection(self.cfg, client, peer, address, self.of_networks)
            self.enqueue_req(conn)
            if 0 < self.most_of_network < self.of_networks[conn.network]:
                mine = (each for each in self._idle() if each.network == conn.network)
                if missed_least := next(mine, None):
                    self._drop(missed_least)
            if self.nr_conns > self.most and (missed_least := next(self._idle(), None)):
                self._drop(missed_least)

    def _idle(self) -> Iterator[TConn]:
        """Yield connections without a complete request, the one that is missed least first.

        Oldest first: who is answered for good, who has said nothing, whose head is incomplete, who
        was answered and may send another request, who came just now and has not spoken yet, whose
        body is incomplete. Who came this moment is given the time to speak.
        """
        yield from self.lingering
        now = time.monotonic() + ARRIVES
        yield from self._pending(lambda conn: not conn.received, now - JUST_NOW)
        yield from self._pending(lambda conn: HEAD_ENDS not in conn.received, now - JUST_NOW)
        yield from self.keepalived_conns
        yield from self._pending(has_not_spoken, now - THIS_MOMENT)
        yield from self._pending(lambda conn: True, now - JUST_NOW)
        yield from self._pending(lambda conn: HEAD_ENDS not in conn.received, math.inf)
        yield from self.pending_conns

    def _pending(self, are: Callable[[TConn], bool], before: float) -> Iterator[TConn]:
        """Yield the pending connections that are so, and that time out before this."""
        return filter(are, takewhile(lambda conn: conn.timeout < before, self.pending_conns))

    def _drop(self, conn: TConn) -> None:
        conn.dropped = True  # what the poller has said of it is out of date
        self.poller.unregister(conn.sock)
        for kept in (self.pending_conns, self.lingering, self.keepalived_conns):
            if conn in kept:
                kept.remove(conn)
                break
        self._let_go(conn)

    def murder_pending(self) -> None:
        """Drop connections whose request has not arrived in time."""
        if self.nr_conns >= self.most / 2:
            before = time.monotonic() - ARRIVES_IN_A_CROWD + ARRIVES
            for conn in [*self._pending(lambda conn: HEAD_ENDS not in conn.received, before)]:
                self._drop(conn)
        while self.lingering and self.lingering[0].timeout < time.monotonic():
            self._drop(self.lingering[0])
        super().murder_pending()

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """Keep a connection for the next request, or close it as soon as the client has.

        gunicorn waits for the client right here, in the loop, for up to two seconds each.
        """
        if conn is self.large_now:
            self.large_now = None
            self._assign_next_large()
        if fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_lingering_readable, conn))
        except (OSError, ValueError):  # the client has gone
            self._let_go(conn)
            return
        conn.timeout = time.monotonic() + (LINGERS if self.alive else LINGERS_AT_THE_END)
        self.lingering.append(conn)

    def on_lingering_readable(self, conn: TConn, client: socket.socket) -> None:
        """Discard what a client sends after its answer, which it might lose otherwise."""
        if conn.dropped:
            return
        try:
            ended = not client.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended:
            self._drop(conn)

    def handle(self, conn: TConn) -> Any:
        self.answering.add(conn)
        self.waiting.discard(conn)
        try:
            return super().handle(conn)
        finally:
            self.answering.discard(conn)
            if conn.is_large:
                self._give_memory_back()

    def handle_request(self, request: Any, conn: TConn) -> Any:
        if lacks_host(request):
            raise MissingHost
        return super().handle_request(request, conn)

    def handle_error(self, request: Any, client: socket.socket, peer: Any, error: Any) -> None:
        """Answer what failed without repeating what was sent: gunicorn's page does, unguarded."""
        status = status_of(error)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.exception("Error handling a request")
        else:
            self.log.warning("Invalid request from %s: %s", peer and peer[0], error)
        answer_refused(client, status)

    def _give_memory_back(self) -> None:
        """Return what a large request took to the system: Python and the C library would not."""
        gc.collect()  # what failed is in cycles, with the request and its body
        if not self.settled:
            self.settled = True
            gc.freeze()  # what is there by now stays, and makes each collection slow
        with suppress(AttributeError):  # another C library may keep less
            libc.malloc_trim(0)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, and free threads from clients that take nothing while others wait."""
        super().wait_for_and_dispatch_events(min(timeout, LOOK) if self.waiting else timeout)
        if self.waiting:
            sys.setswitchinterval(SWITCH_IN_A_CROWD)
            self._free_threads(len(self.waiting))
        elif self.looked:
            self.looked = {}
            sys.setswitchinterval(SWITCH)

    def _free_threads(self, wanted: int) -> None:
        """End so many answers of which the client takes nothing, the longest stalled first."""
        now, before = time.monotonic(), self.looked
        self.looked = {}
        for conn in [*self.answering]:
            if unsent := bytes_unsent(conn.sock):
                known, since = before.get(conn, (0, now))
                self.looked[conn] = unsent, since if known == unsent else now
        stalled = [
            (since, conn)
            for conn, (_, since) in self.looked.items()
            if now - since > STALLED_IN_A_CROWD
        ]
        for _, conn in sorted(stalled, key=itemgetter(0))[:wanted]:
            with suppress(OSError):  # its thread closes it
                conn.sock.shutdown(socket.SHUT_RDWR)

    # --- how requests are read --------------------------------------------------------------------

    def enqueue_req(self, conn: TConn) -> None:
        """Begin to read a request, on a connection that is new or whose last one is answered."""
        conn.received = bytearray(conn.parser.unreader.take_buffered() if conn.parser else b"")
        conn.dropped = False
        conn.timeout = time.monotonic() + ARRIVES
        conn.sock.setblocking(False)
        if not self._read(conn):
            self.pending_conns.append(conn)
            read_on = partial(self.on_pending_socket_readable, conn)
            self.poller.register(conn.sock, EVENT_READ, read_on)

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        if not conn.dropped:
            super().on_client_socket_readable(conn, client)

    def on_pending_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        if not conn.dropped and self._read(conn):
            self.poller.unregister(client)
            self.pending_conns.remove(conn)

    def _read(self, conn: TConn) -> bool:
        """Read what has arrived; return whether there is nothing more to wait for."""
        ended = False
        try:
            chunk = conn.sock.recv(CHUNK)
            conn.received += chunk
            ended = not chunk
        except BlockingIOError:
            pass
        except OSError:
            ended = True
        if is_all_there(conn.received):
            self._begin(conn)
            conn.is_large = len(conn.received) > LARGE
            if conn.is_large:
                self.large.append(conn)
                self._assign_next_large()
            else:
                self._assign(conn)
        elif ended or self._is_too_much(conn):
            self.method_queue.defer(self._let_go, conn)
        else:
            return False
        return True

    def _begin(self, conn: TConn) -> None:
        """Prepare a connection for its first request: many never send one."""
        if not conn.initialized:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                conn.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALLED, 0))
            conn.init()
            conn.data_ready = True

    def _assign(self, conn: TConn) -> None:
        """Queue a complete request for a thread, and a prompt one past those that wait."""
        is_prompt = bool(PROMPT.match(conn.received))
        conn.parser.unreader.unread(bytes(conn.received))
        conn.received = bytearray()  # one copy is enough of what is large
        threads = self.prompt if is_prompt and self.waiting else self.tpool
        self.waiting.add(conn)
        done = threads.submit(self.handle, conn)
        finish = partial(self.method_queue.defer, self.finish_request, conn)
        done.add_done_callback(finish)

    def _assign_next_large(self) -> None:
        """Assign a thread to one large request at a time: each is copied several times in it."""
        if self.large and self.large_now is None:
            self.large_now = self.large.popleft()
            self._assign(self.large_now)
        while sum(len(conn.received) for conn in self.large) > HELD:
            self.method_queue.defer(self._let_go, self.large.pop())

    def _is_too_much(self, conn: TConn) -> bool:
        if len(conn.received) <= LONGEST_HEAD:
            return False
        return sum(len(each.received) for each in self.pending_conns) > HELD

    def _let_go(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def _cap_keepalive(self, deadline: float) -> None:
        """Close idle connections on shutdown."""
        super()._cap_keepalive(deadline)
        for conn in [conn for conn in self.pending_conns if not conn.received]:
            self.poller.unregister(conn.sock)
            self.pending_conns.remove(conn)
            self._let_go(conn)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)
