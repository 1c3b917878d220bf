"""One LISTEN connection for this process, fanned out to its streams."""

import logging
import random
import socket
import time
from collections.abc import Callable, Collection
from functools import cache
from threading import RLock, Thread

import psycopg
from django.conf import settings
from django.db import connection

from foreman_office.kit.measures import streams
from foreman_office.live.stream import Stream, event

CHANNEL = "foreman"
EVERYTHING = "*"

# Seconds that what was heard waits for more, to be told as one. Of a builder's beats the database
# announces the first in each twentieth of a second, so this must be longer.
BURST = 0.075
# Seconds between two tellings of one topic: a page that was told needs as long to ask again.
REST = 0.3
# Seconds within which a stream that comes again is told only what it missed.
MEMORY = 300
# A page is dated when it begins to be drawn, in whole seconds and by the clock of another process.
CLOCKS_DIFFER = 1
REMEMBERED_TOPICS = 4096
QUIET = 15  # seconds without news after which the connection is asked whether it is still there
RETRY = 1  # seconds at most between two attempts to listen again

logger = logging.getLogger("foreman.live")


class Full(Exception):
    """This process holds as many streams as it may."""


class Hub:
    """Hears what the database announces, and tells the streams that it concerns."""

    def __init__(self, connect: Callable[[], psycopg.Connection]) -> None:
        self.connect = connect
        self.closing = False
        # Since when nothing was missed; None while nobody listens.
        self.listening_since: float | None = None
        self._streams: set[Stream] = set()
        self._told: dict[str, float] = {}  # when each topic was last told
        self._withheld: set[str] = set()  # what was touched so soon after that it is told later
        self._thread: Thread | None = None
        # Held for moments alone. A signal may come while its thread holds it.
        self._lock = RLock()

    @property
    def listening(self) -> bool:
        return self.listening_since is not None

    def __len__(self) -> int:
        return len(self._streams)

    def open(
        self,
        topics: Collection[str],
        since: float,
        client: socket.socket | None = None,
        *,
        chunked: bool = False,
    ) -> Stream:
        """Open a stream that begins with what it missed since a moment."""
        with self._lock:
            if len(self) >= settings.FOREMAN_STREAMS:
                raise Full
            stream = Stream(topics, client, chunked=chunked)
            self._streams.add(stream)
            streams.inc()
            if self.listening_since is not None:
                stream.news.update(self._missed(stream.topics, since - CLOCKS_DIFFER))
            if not self._thread:
                self._thread = Thread(target=self._run, name="listen", daemon=True)
                self._thread.start()
        return stream

    def close(self, stream: Stream) -> None:
        # Under the lock, so that nobody writes to what has the number of another file by now.
        with self._lock:
            self._streams.remove(stream)
            streams.dec()
            stream.close()

    def take(self, stream: Stream) -> set[str]:
        """Return what there is to tell a stream, once."""
        with self._lock:
            news, stream.news = stream.news, set()
        return news

    def wait(self, stream: Stream, seconds: float) -> bool:
        """Let a stream's thread sleep until it has something to do, or time is up.

        Return whether its client is still there.
        """
        with self._lock:
            stream.asleep = not stream.news
        there = stream.sleep(seconds)
        with self._lock:
            stream.asleep = False
        if there:
            stream.catch_up()
        return there

    def stop(self) -> None:
        """Let all streams end, and open no more: the process is told to stop."""
        with self._lock:
            self.closing = True
            for stream in self._streams:
                stream.ring()
                if stream.client:
                    # Also where a client does not read, and its thread waits to be rid of an event.
                    stream.client.shutdown(socket.SHUT_RDWR)

    def tell(self, heard: Collection[str]) -> None:
        """Tell every stream what concerns it of these topics, and of what was withheld before."""
        now = time.time()
        with self._lock:
            touched = self._withheld | self._touched_by(heard)
            if EVERYTHING in heard:
                self._forget(now)
            news = {topic for topic in touched if self._due(topic) <= now}
            self._withheld = touched - news
            self._told.update(dict.fromkeys(news, now))
            if len(self._told) > REMEMBERED_TOPICS:
                self._forget(now)
                self._told.clear()
            # The same bytes for all who are told the same.
            poke = cache(lambda topics: event("poke", " ".join(sorted(topics))))
            for stream in self._streams:
                mine = stream.topics & news
                if mine and not stream.post(poke(mine)):
                    stream.news |= mine
                    stream.ring()

    def _touched_by(self, heard: Collection[str]) -> set[str]:
        if EVERYTHING in heard:
            return {EVERYTHING}.union(*(stream.topics for stream in self._streams))
        kinds = {topic.partition(":")[0] for topic in heard}
        return kinds.union(heard, {EVERYTHING} if heard else ())

    def _due(self, topic: str) -> float:
        """Return the moment from which on a topic may be told again."""
        return self._told.get(topic, 0) + REST

    def _patience(self) -> float:
        """Return for how many seconds to hear before there is something else to do."""
        if not self._withheld:
            return QUIET
        return max(0, min(map(self._due, self._withheld)) - time.time())

    def _missed(self, topics: frozenset[str], since: float) -> Collection[str]:
        if since < max(self.listening_since or 0, time.time() - MEMORY):
            return topics
        return {topic for topic in topics if self._told.get(topic, 0) >= since}

    def _forget(self, now: float) -> None:
        """Whoever comes back from before this moment has missed everything."""
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
                    time.sleep(random.uniform(RETRY / 2, RETRY))  # noqa: S311
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
            for notification in connection.notifies(timeout=self._patience(), stop_after=1):
                heard.update(notification.payload.split())
            if heard:
                time.sleep(BURST)
                for notification in connection.notifies(timeout=0):
                    heard.update(notification.payload.split())
            if heard or self._withheld:
                self.tell(heard)
            else:
                connection.execute("")


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
