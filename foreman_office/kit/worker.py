"""A web worker whose threads never wait for a client to say what it wants.

gunicorn's own gives each new connection a thread, and a stalled or silent client keeps it: a few
hundred of them, and no heartbeat passes. Here the loop that accepts also reads, and a thread is
given to a request once it is all there.
"""

import re
import resource
import socket
import struct
import time
from functools import partial
from selectors import EVENT_READ

from gunicorn.workers.gthread import TConn, ThreadWorker

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
# Seconds that a thread waits for a client to send more, or to take more of an answer.
STALLED = 10
# Seconds between two signs of life for the master, which gives a worker thirty.
BETWEEN_SIGNS = 1

HEAD_ENDS = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\nContent-Length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
# Where only the server can tell how much there is, or has to speak first.
UNKNOWN = re.compile(rb"\r\n(Transfer-Encoding|Expect):", re.IGNORECASE)


def is_all_there(received: bytes | bytearray) -> bool:
    """Tell whether a thread can work with this and need not wait for more, or not in vain."""
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
    """Read requests in the loop, and give a thread to each that is all there."""

    notified_at = 0.0

    def notify(self) -> None:
        """Say that we live, and not with every request: it is a call of the system each time."""
        now = time.monotonic()
        if now - self.notified_at >= BETWEEN_SIGNS:
            self.notified_at = now
            super().notify()

    def init_process(self) -> None:
        # A connection is a file, and many may be open at once.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """Begin to read a request, on a connection that is new or whose last one is answered."""
        if not conn.initialized:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                conn.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALLED, 0))
            conn.init()
            conn.data_ready = True
        conn.received = bytearray(conn.parser.unreader.take_buffered())
        conn.timeout = time.monotonic() + ARRIVES
        conn.sock.setblocking(False)
        if not self._read(conn):
            self.pending_conns.append(conn)
            read_on = partial(self.on_pending_socket_readable, conn)
            self.poller.register(conn.sock, EVENT_READ, read_on)

    def on_pending_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        if self._read(conn):
            self.poller.unregister(client)
            self.pending_conns.remove(conn)

    def _read(self, conn: TConn) -> bool:
        """Take what has come; True if that settles it, and there is nothing more to wait for."""
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
            conn.parser.unreader.unread(bytes(conn.received))
            super().enqueue_req(conn)
        elif ended or self._is_too_much(conn):
            self.method_queue.defer(self._let_go, conn)
        else:
            return False
        return True

    def _is_too_much(self, conn: TConn) -> bool:
        if len(conn.received) <= LONGEST_HEAD:
            return False
        return sum(len(each.received) for each in self.pending_conns) > HELD

    def _let_go(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def _cap_keepalive(self, deadline: float) -> None:
        """Let nobody who says nothing hold up a worker that is to stop."""
        super()._cap_keepalive(deadline)
        for conn in [conn for conn in self.pending_conns if not conn.received]:
            self.poller.unregister(conn.sock)
            self.pending_conns.remove(conn)
            self._let_go(conn)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)
