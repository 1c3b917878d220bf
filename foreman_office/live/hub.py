"""One LISTEN connection for this process, fanned out to its streams."""

import logging
import os
import random
import select
import socket
import time
from collections.abc import Callable, Collection
from threading import RLock, Thread

import psycopg
from django.conf import settings
from django.db import connection

from foreman_office.kit.measures import streams

CHANNEL = "foreman"
EVERYTHING = "*"

# Seconds that what was heard waits for more, to be told as one. Of a builder's beats the database
# announces the first in each twentieth of a second, so this must be longer.
BURST = 0.075
# Seconds within which a stream that comes again is told only what it missed.
MEMORY = 300
# A page is dated when it begins to be drawn, in whole seconds and by the clock of another process.
CLOCKS_DIFFER = 1
REMEMBERED_TOPICS = 4096
QUIET = 15  # seconds without news after which the connection is asked whether it is still there
REST = 1  # seconds at most between two attempts to listen again

logger = logging.getLogger("foreman.live")


class Full(Exception):
    """This process holds as many streams as it may."""


class Stream:
    """What one page wants to be told, and the bell that wakes the thread that tells it."""

    def __init__(self, topics: Collection[str], client: socket.socket | None) -> None:
        self.topics = frozenset(topics)
        self.news: set[str] = set()
        self.client = client
        self.bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._waker = select.poll()
        self._waker.register(self.bell, select.POLLIN)
        if client:
            self._waker.register(client, select.POLLRDHUP)

    def ring(self) -> None:
        os.eventfd_write(self.bell, 1)

    def wait(self, seconds: float) -> bool:
        """Sleep until the bell rings or time is up; tell whether the client is still there."""
        woken = [number for number, _ in self._waker.poll(max(0, seconds) * 1000)]
        if self.bell in woken:
            os.eventfd_read(self.bell)
            woken.remove(self.bell)
        return not woken

    def close(self) -> None:
        os.close(self.bell)


class Hub:
    """Hears what the database announces, and wakes the streams that it concerns."""

    def __init__(self, connect: Callable[[], psycopg.Connection]) -> None:
        self.connect = connect
        self.closing = False
        # Since when nothing was missed; None while nobody listens.
        self.listening_since: float | None = None
        self._streams: set[Stream] = set()
        self._told: dict[str, float] = {}  # when each topic was last told
        self._thread: Thread | None = None
        # Held for moments alone. A signal may come while its thread holds it.
        self._lock = RLock()

    @property
    def listening(self) -> bool:
        return self.listening_since is not None

    def __len__(self) -> int:
        return len(self._streams)

    def open(
        self, topics: Collection[str], since: float, client: socket.socket | None = None
    ) -> Stream:
        """Open a stream that begins with what it missed since a moment."""
        with self._lock:
            if len(self) >= settings.FOREMAN_STREAMS:
                raise Full
            stream = Stream(topics, client)
            self._streams.add(stream)
            streams.inc()
            if self.listening_since is not None:
                stream.news.update(self._missed(stream.topics, since - CLOCKS_DIFFER))
            if not self._thread:
                self._thread = Thread(target=self._run, name="listen", daemon=True)
                self._thread.start()
        return stream

    def close(self, stream: Stream) -> None:
        # Under the lock, so that nobody rings a bell whose number is another file's by now.
        with self._lock:
            self._streams.remove(stream)
            streams.dec()
            stream.close()

    def take(self, stream: Stream) -> set[str]:
        """Return what there is to tell a stream, once."""
        with self._lock:
            news, stream.news = stream.news, set()
        return news

    def stop(self) -> None:
        """Let all streams end, and open no more: the process is told to stop."""
        with self._lock:
            self.closing = True
            for stream in self._streams:
                stream.ring()
                if stream.client:
                    # Also where a client does not read, and its thread waits to be rid of an event.
                    stream.client.shutdown(socket.SHUT_RDWR)

    def tell(self, topics: Collection[str]) -> None:
        """Wake every stream that any of these topics concerns."""
        kinds = {topic.partition(":")[0] for topic in topics}
        touched = kinds.union(topics, {EVERYTHING})
        now = time.time()
        with self._lock:
            if EVERYTHING in topics:
                self._forget(now)
            else:
                self._told.update(dict.fromkeys(touched, now))
                if len(self._told) > REMEMBERED_TOPICS:
                    self._forget(now)
            for stream in self._streams:
                news = stream.topics if EVERYTHING in topics else stream.topics & touched
                if news:
                    stream.news |= news
                    stream.ring()

    def _missed(self, topics: frozenset[str], since: float) -> Collection[str]:
        if since < max(self.listening_since or 0, time.time() - MEMORY):
            return topics
        return {topic for topic in topics if self._told.get(topic, 0) >= since}

    def _forget(self, now: float) -> None:
        """Whoever comes back from before this moment has missed everything."""
        self._told.clear()
        if self.listening:
            self.listening_since = now

    # --- the thread that listens ------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self.closing:
                try:
                    with self.connect() as connection:
                        connection.execute(f"LISTEN {CHANNEL}")
                        self._begin()
                        self._hear(connection)
                except psycopg.OperationalError as error:
                    if self.listening:
                        reason = str(error).partition("\n")[0]
                        logger.warning("Nothing is heard from the database: %s", reason)
                    self._end()
                    time.sleep(random.uniform(REST / 2, REST))  # noqa: S311
        finally:
            self._end()
            self._thread = None

    def _begin(self) -> None:
        with self._lock:
            self.listening_since = time.time()
            self.tell([EVERYTHING])

    def _end(self) -> None:
        with self._lock:
            self.listening_since = None
            for stream in self._streams:
                stream.ring()

    def _hear(self, connection: psycopg.Connection) -> None:
        while not self.closing:
            heard = set()
            for notification in connection.notifies(timeout=QUIET, stop_after=1):
                heard.update(notification.payload.split())
            if not heard:
                connection.execute("")
                continue
            time.sleep(BURST)
            for notification in connection.notifies(timeout=0):
                heard.update(notification.payload.split())
            self.tell(heard)


def can_listen() -> bool:
    """Tell whether there is an address where a session lasts, which LISTEN needs."""
    return bool(settings.DATABASE_LISTEN_URL) or not settings.DATABASE_POOLED


def connect() -> psycopg.Connection:
    """Open the connection that listens: one of its own, for it is never given back."""
    if settings.DATABASE_LISTEN_URL:
        address, params = settings.DATABASE_LISTEN_URL, {}
    else:
        address, params = "", connection.get_connection_params()
        params.pop("pool", None)
    # A server that vanished without a word must not pass for one that has nothing to say.
    params |= {
        "application_name": "foreman-live",
        "autocommit": True,
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
    return psycopg.connect(address, **params)


hub = Hub(connect)
