"""One LISTEN connection for this process, fanned out to its streams."""

import logging
import random
import socket
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cache
from threading import RLock, Thread
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection

from kit.live.stream import (
    EVERYTHING,
    OF_ALL,
    Stream,
    is_everything,
    owned,
    owner_of,
    poke,
    told_in,
)
from kit.runtime.metrics_registry import streams

CHANNEL = "foreman"

# Seconds that an announcement waits for more, to be sent as one. Of a builder's beats the database
# announces the first in each twentieth of a second, so this must be longer.
BURST = 0.075
# Seconds between two events of one topic: a page needs as long to request its parts.
REST = 0.3
# While more comes soon after, pages are told all at once after a rest that grows to so many seconds
# for each page that was told, about what the office needs to answer it, and to the longest.
REST_OF_A_PAGE = 0.02
LONGEST_REST_OF_PAGES = 2
# The same for what touches everything, at most: any role that may connect to the database can send
# that. It grows from REST while more comes.
LONGEST_REST = 10
# Seconds within which a stream that reconnects gets only what it missed.
MEMORY = 300
# A page has the time when its rendering began, in whole seconds, by the clock of another process.
CLOCKS_DIFFER = 1
REMEMBERED_TOPICS = 8192
MOST_OWNERS = 100  # of which it is told apart that everything of theirs was touched
QUIET = 15  # seconds without an announcement after which the connection is checked
RETRY = 1  # seconds at most between two attempts to listen again

logger = logging.getLogger("foreman.live")


class Full(Exception):
    """This process has as many streams as it may."""


class Hub:
    """Listens to the database's announcements, and sends them to the streams that they concern."""

    def __init__(self, connect: Callable[[], psycopg.Connection]) -> None:
        self.connect = connect
        self.closing = False
        # Since when nothing was missed; None while there is no listening connection.
        self.listening_since: float | None = None
        self._streams: set[Stream] = set()
        self._told: dict[str, float] = {}  # when each topic was last sent
        self._withheld: set[str] = set()  # what changed so soon after that it is sent later
        # When everything may be touched again, the rest since the last time, and whose waits.
        self._everything_due, self._everything_rest = 0.0, 0.0
        self._everything_waits: set[str] = set()
        # When pages are told again, and the rest since the last time.
        self._pages_due, self._pages_rest = 0.0, 0.0
        self._thread: Thread | None = None
        # Held only briefly. Reentrant, as a signal may come while its thread holds it.
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
        silent: bool = False,
        organisation: UUID | None = None,
    ) -> Stream:
        """Open a stream that begins with what it missed since a moment.

        It tells what concerns one organisation, or the whole office. To the client of a silent one
        nothing is written: its thread still has to answer.
        """
        with self._lock:
            if len(self) >= settings.FOREMAN_STREAMS:
                raise Full
            stream = Stream(
                topics, client, chunked=chunked, silent=silent, organisation=organisation
            )
            self._streams.add(stream)
            streams.inc()
            if self.listening_since is not None:
                stream.news.update(self._missed(stream.topics, since - CLOCKS_DIFFER))
            if not self._thread:
                self._thread = Thread(target=self._run, name="listen", daemon=True)
                self._thread.start()
        return stream

    def close(self, stream: Stream) -> None:
        # Under the lock, so that no thread writes to a number that another file has by now.
        with self._lock:
            self._streams.remove(stream)
            streams.dec()
            stream.close()

    def take(self, stream: Stream) -> set[str]:
        """Return the topics to send to a stream, once."""
        with self._lock:
            news, stream.news = stream.news, set()
        return news

    def wait(self, stream: Stream, seconds: float) -> bool:
        """Block a stream's thread until it has something to do, or time is up.

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
        """Close all streams, and open no more: the process is to stop."""
        with self._lock:
            self.closing = True
            for stream in self._streams:
                stream.ring()
                if stream.client and not stream.silent:
                    # Also where a client does not read, and its thread waits to be rid of an event.
                    with suppress(OSError):  # a client that reset the connection has left already
                        stream.client.shutdown(socket.SHUT_RDWR)

    def tell(self, heard: Collection[str]) -> None:
        """Send each stream the topics that concern it, and those withheld before."""
        now = time.time()
        with self._lock:
            heard = self._seldom_everything({*heard}, now)
            fresh = self._touched_by(heard)
            touched = self._withheld | fresh
            if any(map(is_everything, heard)):
                self._forget(now)
            news = {topic for topic in touched if self._due(topic) <= now}
            is_soon = not self._withheld.isdisjoint(news)  # it came while pages rested
            self._withheld = touched - news
            self._told.update(dict.fromkeys(news, now))
            if len(self._told) > REMEMBERED_TOPICS:
                self._forget(now)
                self._told.clear()
            # The same bytes for all streams with the same topics.
            poke_with = cache(poke)
            pages = 0
            for stream in self._streams:
                # Who waits in a thread asks once for what concerns it, and delays nobody.
                mine = stream.topics & (fresh if stream.silent else news)
                if mine and not stream.post(poke_with(mine)):
                    stream.news |= mine
                    stream.ring()
                pages += bool(mine) and not stream.silent
            if pages:
                self._let_pages_rest(pages, now, is_soon=is_soon)

    def _seldom_everything(self, heard: set[str], now: float) -> set[str]:
        """Return what was heard, with EVERYTHING only when that is due again."""
        everything = {*filter(is_everything, heard)}
        wanted = everything | self._everything_waits
        if len(wanted) > MOST_OWNERS:
            wanted = {EVERYTHING}
        self._everything_waits = wanted if now < self._everything_due else set()
        if not wanted or self._everything_waits:
            return heard - everything
        is_soon = now < self._everything_due + self._everything_rest
        self._everything_rest = min(2 * self._everything_rest, LONGEST_REST) if is_soon else REST
        self._everything_due = now + self._everything_rest
        return heard | wanted

    def _let_pages_rest(self, told: int, now: float, *, is_soon: bool) -> None:
        most = min(told * REST_OF_A_PAGE, LONGEST_REST_OF_PAGES)
        self._pages_rest = min(max(2 * self._pages_rest, REST), most) if is_soon else 0
        self._pages_due = now + self._pages_rest

    def _touched_by(self, heard: Collection[str]) -> set[str]:
        touched = set()
        for told in heard:
            owner, _, topic = told.rpartition("/")
            topics = {topic, topic.partition(":")[0], EVERYTHING}
            touched |= topics | owned(owner or OF_ALL, topics)
            if topic == EVERYTHING:
                wanted = (topic for stream in self._streams for topic in stream.topics)
                touched.update(
                    name for name in wanted if not owner or owner_of(name) in ("", owner)
                )
        return touched

    def _due(self, topic: str) -> float:
        """Return when a topic may be sent again."""
        return max(self._told.get(topic, 0) + REST, self._pages_due)

    def _patience(self) -> float:
        """Return for how many seconds to listen until something else is due."""
        due = [*map(self._due, self._withheld)]
        due += [self._everything_due] if self._everything_waits else []
        return max(0, min(due) - time.time()) if due else QUIET

    def _missed(self, topics: frozenset[str], since: float) -> Collection[str]:
        if since < max(self.listening_since or 0, time.time() - MEMORY):
            return topics
        return {topic for topic in topics if self._told.get(topic, 0) >= since}

    def _forget(self, now: float) -> None:
        """Count everything before this moment as missed by the streams that reconnect."""
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
                except psycopg.Error as error:  # a standby refuses LISTEN by another name
                    if self.listening:
                        reason = str(error).partition("\n")[0]
                        logger.warning("Cannot listen to the database: %s", reason)
                    self._end()
                    time.sleep(random.uniform(RETRY / 2, RETRY))  # noqa: S311
        finally:
            self._end()
            self._thread = None

    def _begin(self) -> None:
        with self._lock:
            self.listening_since = time.time()
            self._everything_due = 0.0  # what this process says itself waits for nothing
            self.tell([EVERYTHING])

    def _end(self) -> None:
        with self._lock:
            self.listening_since = None
            for stream in self._streams:
                stream.ring()

    def _hear(self, connection: psycopg.Connection) -> None:
        while not self.closing:
            heard: set[str] = set()
            for notification in connection.notifies(timeout=self._patience(), stop_after=1):
                heard |= told_in(notification.payload)
            if heard:
                time.sleep(BURST)
                for notification in connection.notifies(timeout=0):
                    heard |= told_in(notification.payload)
            if heard or self._withheld or self._everything_waits:
                self.tell(heard)
            else:
                connection.execute("")


def can_listen() -> bool:
    """Return whether there is a server that takes LISTEN, at an address with lasting sessions."""
    if settings.FOREMAN_READ_ONLY:
        return False  # a standby takes none
    return bool(settings.DATABASE_LISTEN_URL) or not settings.DATABASE_POOLED


def connect() -> psycopg.Connection:
    """Open the connection that listens: outside the pool, because it is never given back."""
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
