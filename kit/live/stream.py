"""One page's event stream, and how it is written to."""

import os
import select
import socket
import time
from collections.abc import Collection, Iterable
from uuid import UUID

EVERYTHING = "*"
OF_ALL = "all"  # in the place of an organisation: what is told to every one


def event(kind: str, data: str = "") -> bytes:
    """Return an event; its id is the time from which a page that reconnects has missed events."""
    return f"id: {time.time():.3f}\nevent: {kind}\ndata: {data}\n\n".encode()


def told_in(payload: str) -> set[str]:
    """Return the topics of an announcement, whose first word may be the organisation's id."""
    first, _, topics = payload.partition(" ")
    try:
        UUID(first)
    except ValueError:
        return {*payload.split()}
    return owned(first, topics.split())


def is_everything(topic: str) -> bool:
    """Return whether a topic stands for all topics, of all or of one organisation."""
    return topic.rpartition("/")[2] == EVERYTHING


def owned(owner: str, topics: Iterable[str]) -> set[str]:
    """Return the names by which the hub knows topics of an organisation, or of all of them."""
    return {f"{owner}/{topic}" for topic in topics}


def owner_of(name: str) -> str:
    return name.rpartition("/")[0]


def poke(topics: Iterable[str]) -> bytes:
    """Return the event that topics changed, without whose they are."""
    return event("poke", " ".join(sorted({topic.rpartition("/")[2] for topic in topics})))


class Stream:
    """The topics of one page, and its connection.

    With an organisation it has its topics twice: as that one's own, and as what is told to all. The
    others have them as they are, whosever they are.

    It has a thread, which sleeps while the listening thread writes events to its client: writing
    to 150 streams takes 3 ms of processor time so, and 15 if each thread is woken to write. The
    bell wakes the thread for what cannot be written at once, because the client does not read or
    there is more to write.
    """

    def __init__(
        self,
        topics: Collection[str],
        client: socket.socket | None = None,
        *,
        chunked: bool = False,
        silent: bool = False,
        organisation: UUID | None = None,
    ) -> None:
        if organisation:
            topics = owned(str(organisation), topics) | owned(OF_ALL, topics)
        self.topics = frozenset(topics)
        self.news: set[str] = set()
        self.client = client
        self.chunked = chunked  # as the server frames the rest of this answer
        self.silent = silent  # its thread wants to know, and nothing is written to its client
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
        """Write to the client if its thread sleeps, without waiting; return whether it was written.

        If the client took a part, its thread is left to write the rest.
        """
        if self.silent or not (self.asleep and self.client):
            return False
        framed = b"%x\r\n%b\r\n" % (len(said), said) if self.chunked else said
        try:
            sent = self.client.send(framed, socket.MSG_DONTWAIT)
        except OSError:  # it takes nothing now, or has left: its thread will see which
            return False
        self._unsent = framed[sent:]
        if self._unsent:
            self.ring()
        return True

    def sleep(self, seconds: float) -> bool:
        """Sleep until the bell is rung or time is up; return whether the client is connected."""
        woken = [number for number, _ in self._waker.poll(max(0, seconds) * 1000)]
        if self._bell in woken:
            os.eventfd_read(self._bell)
            woken.remove(self._bell)
        return not woken

    def catch_up(self) -> None:
        """Write what a post has left, as fast as the client reads."""
        if self._unsent and self.client:
            self.client.sendall(self._unsent)
            self._unsent = b""

    def close(self) -> None:
        os.close(self._bell)
