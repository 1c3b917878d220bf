"""One page's event stream, and how it is written to."""

import ctypes
import os
import select
import socket
import time
from collections.abc import Collection

# Never waits. Without letting go of the interpreter, which would have to be won again after each of
# many short writes.
_send = ctypes.PyDLL(None).send
_send.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_send.restype = ctypes.c_ssize_t
AT_ONCE = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


def event(kind: str, data: str = "") -> bytes:
    """Write an event; its id is the time from which on a page that comes back has missed things."""
    return f"id: {time.time():.3f}\nevent: {kind}\ndata: {data}\n\n".encode()


class Stream:
    """What one page wants to be told.

    It has a thread, which sleeps. Meanwhile news are posted to the client over its head: to wake
    a thread for each stream would take the interpreter from everybody else. What cannot be posted,
    because the client does not read or there is more to say, the bell wakes the thread for.
    """

    def __init__(
        self,
        topics: Collection[str],
        client: socket.socket | None = None,
        *,
        chunked: bool = False,
    ) -> None:
        self.topics = frozenset(topics)
        self.news: set[str] = set()
        self.client = client
        self.chunked = chunked  # as the server frames the rest of this answer
        self.asleep = False
        self._unsent = b""
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._waker = select.poll()
        self._waker.register(self._bell, select.POLLIN)
        if client:
            self._waker.register(client, select.POLLRDHUP)

    def ring(self) -> None:
        self.asleep = False
        os.eventfd_write(self._bell, 1)

    def post(self, said: bytes) -> bool:
        """Write to the client if the thread sleeps and nobody has to wait; tell whether it is done.

        If the client took a part, its thread is left to write the rest.
        """
        if not (self.asleep and self.client):
            return False
        framed = b"%x\r\n%b\r\n" % (len(said), said) if self.chunked else said
        sent = _send(self.client.fileno(), framed, len(framed), AT_ONCE)
        if sent <= 0:
            return False
        self._unsent = framed[sent:]
        if self._unsent:
            self.ring()
        return True

    def sleep(self, seconds: float) -> bool:
        """Sleep until the bell rings or time is up; tell whether the client is still there."""
        woken = [number for number, _ in self._waker.poll(max(0, seconds) * 1000)]
        if self._bell in woken:
            os.eventfd_read(self._bell)
            woken.remove(self._bell)
        return not woken

    def catch_up(self) -> None:
        """Write what a post has left, for as long as the client takes."""
        if self._unsent and self.client:
            self.client.sendall(self._unsent)
            self._unsent = b""

    def close(self) -> None:
        os.close(self._bell)
