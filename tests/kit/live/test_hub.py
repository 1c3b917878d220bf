import os
import select
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import psycopg
import pytest

from kit.live.hub import CLOCKS_DIFFER, MEMORY, REMEMBERED_TOPICS, Full, Hub
from tests.kit.live.conftest import hang_up
from tests.races import PATIENCE, until


def now():
    """A moment from which on nothing is missed yet."""
    return time.time() + CLOCKS_DIFFER


def heard(hub, stream, count=1):
    """Wait until a stream has got so many topics, and return all of them."""
    news = set()
    deadline = time.monotonic() + PATIENCE
    while len(news) < count:
        assert hub.wait(stream, deadline - time.monotonic())
        news |= hub.take(stream)
        assert time.monotonic() < deadline, f"told {news} alone"
    return news


def tellings(hub, *topics):
    """Open a stream, and return a list to which each event adds its time and topics."""
    told = []
    stream = hub.open(topics, now())

    def post(said):
        told.append((time.monotonic(), set(said.decode().partition("data: ")[2].split())))
        return True

    stream.post = post
    return told


def test_a_stream_is_told_of_its_topics_alone(hub, connect):
    one, other = hub.open(["task:1", "wave:9"], now()), hub.open(["task:2"], now())
    connect().execute("NOTIFY foreman, 'task:1 wave:1 program:1'")
    assert heard(hub, one) == {"task:1"}
    assert hub.take(other) == set()


def test_a_kind_hears_of_each_of_its_things_and_a_star_of_all(hub, connect):
    kind, star = hub.open(["task", "blocker"], now()), hub.open(["*"], now())
    connect().execute("NOTIFY foreman, 'task:1 wave:1'")
    assert heard(hub, kind) == {"task"}
    assert heard(hub, star) == {"*"}


def test_what_touches_everything_touches_each_topic(hub, connect):
    stream = hub.open(["task:1", "blocker"], now())
    connect().execute("NOTIFY foreman, '*'")
    assert heard(hub, stream, 2) == {"task:1", "blocker"}


def test_an_organisation_hears_its_own_and_what_is_told_to_all(hub, connect):
    one, other = uuid4(), uuid4()
    topics = ["task", "task:1", "builder:ui-builder", "*"]
    of_one, of_other = (hub.open(topics, now(), organisation=each) for each in (one, other))
    whole = hub.open(topics, now())

    def plain(stream, count):
        return {topic.rpartition("/")[2] for topic in heard(hub, stream, count)}

    # The last of the four is heard by both, so that whatever came before it has been heard.
    for told in (f"{one} task:1", f"{one} *", f"{other} task:2", "builder:ui-builder"):
        connect().execute("SELECT pg_notify('foreman', %s)", [told])
    assert plain(of_one, 6) == {*topics}  # two as its own and as what is told to all
    assert plain(whole, 4) == {*topics}
    assert plain(of_other, 4) == {"task", "builder:ui-builder", "*"}
    since = time.time() - CLOCKS_DIFFER
    again = hub.open(["task:1"], since, organisation=other)
    assert hub.listening_since > since or hub.take(again) == set()


def test_a_burst_is_told_as_one(hub, connect, monkeypatch):
    told = []
    monkeypatch.setattr("kit.live.hub.BURST", 1)
    monkeypatch.setattr(hub, "tell", told.append)
    notify = connect()
    with notify.transaction():
        for number in range(500):
            notify.execute(f"NOTIFY foreman, 'task:{number}'")
    until(lambda: told and sum(map(len, told)) == 500)
    assert len(told) == 1


@pytest.mark.parametrize("touched", ["task:1", "*"])
def test_what_was_just_told_is_told_again_only_after_a_rest(hub, connect, monkeypatch, touched):
    monkeypatch.setattr("kit.live.hub.REST", 1)
    told, notify = tellings(hub, "task:1"), connect()
    for count in (1, 2):
        notify.execute(f"NOTIFY foreman, '{touched}'")
        until(lambda count=count: len(told) == count)
    (first, topics), (second, again) = told
    assert topics == again == {"task:1"}
    assert second - first > 0.9


def test_what_rests_holds_nothing_else_up(hub, connect, monkeypatch):
    monkeypatch.setattr("kit.live.hub.REST", 2 * PATIENCE)
    told, notify = tellings(hub, "task:1", "task:2"), connect()
    notify.execute("NOTIFY foreman, 'task:1'")
    until(lambda: told)
    notify.execute("NOTIFY foreman, 'task:1'")
    notify.execute("NOTIFY foreman, 'task:2'")
    until(lambda: len(told) == 2)
    assert [topics for _, topics in told] == [{"task:1"}, {"task:2"}]


def test_a_hub_that_lost_its_connection_listens_again_and_says_that_all_may_have_changed(
    hub, connect, caplog
):
    stream = hub.open(["task:1"], now())
    since = hub.listening_since
    assert hang_up(connect()) == 1
    until(lambda: hub.listening and hub.listening_since > since)
    assert heard(hub, stream) == {"task:1"}
    assert "Cannot listen to the database" in caplog.text
    connect().execute("NOTIFY foreman, 'task:1'")
    assert heard(hub, stream) == {"task:1"}


def test_who_listens_is_woken_when_the_hub_hears_nothing_any_more(hub, connect):
    stream = hub.open(["task:1"], now())
    hang_up(connect())
    assert hub.wait(stream, PATIENCE)
    assert hub.take(stream) == set()


def test_a_hub_goes_on_trying_until_the_database_is_there(listen):
    attempts = []

    def away_twice():
        attempts.append(1)
        if len(attempts) < 3:
            raise psycopg.OperationalError("away")
        return connected()

    connected = listen().connect
    hub = listen(away_twice)
    stream = hub.open(["task:1"], 0)
    assert not hub.listening
    assert heard(hub, stream) == {"task:1"}
    assert len(attempts) == 3


def test_a_thread_that_broke_is_followed_by_another(listen, monkeypatch):
    def broken():
        raise ZeroDivisionError

    caught = []
    monkeypatch.setattr("threading.excepthook", caught.append)
    hub = listen(broken)
    hub.close(hub.open([], 0))
    until(lambda: caught and not hub._thread)
    assert not hub.listening
    hub.connect = listen().connect
    hub.close(hub.open([], 0))
    until(lambda: hub.listening)


# --- what was missed ------------------------------------------------------------------------------


@pytest.fixture
def quiet():
    """A hub that gets the announcements of the test."""
    hub = Hub(connect=None)
    hub._thread = Thread()
    hub.listening_since = time.time() - 2 * MEMORY
    return hub


def test_who_comes_back_is_told_what_it_missed_and_nothing_else(quiet):
    quiet.tell(["task:1", "blocker"])
    away = time.time() - 10
    stream = quiet.open(["task:1", "task:2", "blocker", "wave"], away)
    assert quiet.take(stream) == {"task:1", "blocker"}


def test_what_was_told_before_is_not_missed(quiet):
    quiet._told["task:1"] = time.time() - 60
    stream = quiet.open(["task:1"], time.time() - 10)
    assert quiet.take(stream) == set()


def test_a_page_drawn_a_moment_ago_by_another_clock_misses_nothing(quiet):
    quiet.tell(["task:1"])
    stream = quiet.open(["task:1"], time.time() + 0.5)
    assert quiet.take(stream) == {"task:1"}


@pytest.mark.parametrize("away", [MEMORY + 1, 10**9])
def test_who_was_away_longer_than_we_remember_has_missed_everything(quiet, away):
    stream = quiet.open(["task:1", "wave"], time.time() - away)
    assert quiet.take(stream) == {"task:1", "wave"}


def test_who_was_away_before_we_listened_has_missed_everything(quiet):
    quiet.listening_since = time.time()
    stream = quiet.open(["task:1"], time.time() - 10)
    assert quiet.take(stream) == {"task:1"}


def test_who_was_away_when_everything_was_touched_has_missed_everything(quiet):
    quiet.tell(["*"])
    stream = quiet.open(["task:1"], time.time() - 10)
    assert quiet.take(stream) == {"task:1"}


def test_what_is_remembered_has_an_end(quiet):
    for number in range(REMEMBERED_TOPICS):
        quiet.tell([f"task:{number}"])
    assert len(quiet._told) <= REMEMBERED_TOPICS
    stream = quiet.open(["wave:1"], time.time() - 10)
    assert quiet.take(stream) == {"wave:1"}


# --- over the head of a thread that sleeps --------------------------------------------------------


@pytest.fixture
def sleeper(quiet, pair):
    """A stream whose thread sleeps, and the event that is set when it is woken."""
    here, _ = pair
    stream = quiet.open(["task:1"], now(), here, chunked=True)
    woken = Event()
    thread = Thread(target=lambda: quiet.wait(stream, PATIENCE) and woken.set(), daemon=True)
    thread.start()
    until(lambda: stream.asleep)
    yield stream, woken
    stream.ring()
    thread.join()


def test_news_are_written_to_who_reads_and_its_thread_sleeps_on(quiet, pair, sleeper):
    stream, woken = sleeper
    quiet.tell(["task:1"])
    size, framed = pair[1].recv(1000).split(b"\r\n", 1)
    assert int(size, 16) == len(framed.removesuffix(b"\r\n"))
    assert b"event: poke\ndata: task:1\n\n" in framed
    assert stream.asleep
    assert not woken.is_set()
    assert quiet.take(stream) == set()


def test_who_takes_half_an_event_is_sent_the_other_half(quiet, pair, sleeper):
    _, there = pair
    stream, woken = sleeper
    said = b"0123456789" * 100_000
    assert stream.post(said)  # more than fits
    taken = b""
    while not taken.endswith(said[-10:] + b"\r\n"):
        taken += there.recv(65536)
    assert taken == b"%x\r\n%b\r\n" % (len(said), said)
    assert woken.wait(PATIENCE)


def test_who_takes_nothing_leaves_the_news_to_its_thread(quiet, pair, sleeper):
    here, _ = pair
    stream, woken = sleeper
    with suppress(BlockingIOError):
        while True:
            here.send(b"x" * 1000, socket.MSG_DONTWAIT)
    quiet.tell(["task:1"])
    assert woken.wait(PATIENCE)
    assert quiet.take(stream) == {"task:1"}


# --- coming and going -----------------------------------------------------------------------------


@pytest.fixture
def pair():
    """The two ends of a connection."""
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def test_a_process_holds_so_many_streams_and_no_more(quiet, settings):
    settings.FOREMAN_STREAMS = 2
    first, _ = quiet.open([], 0), quiet.open([], 0)
    with pytest.raises(Full):
        quiet.open([], 0)
    quiet.close(first)
    quiet.open([], 0)
    assert len(quiet) == 2


def test_a_client_that_hangs_up_is_noticed_at_once(quiet, pair):
    here, there = pair
    stream = quiet.open([], 0, here)
    there.close()
    assert not quiet.wait(stream, PATIENCE)


def test_a_client_that_says_something_more_is_still_there(quiet, pair):
    here, there = pair
    stream = quiet.open([], 0, here)
    there.send(b"GET / HTTP/1.1")
    assert quiet.wait(stream, 0)


def test_streams_end_when_the_process_is_told_to_stop(quiet, pair):
    here, there = pair
    streams = [quiet.open([], 0, here), quiet.open([], 0)]
    waits = [(stream, 2 * PATIENCE) for stream in streams]
    sleeping = [Thread(target=quiet.wait, args=wait, daemon=True) for wait in waits]
    for thread in sleeping:
        thread.start()
    quiet.stop()
    for thread in sleeping:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert there.recv(1) == b""


def test_a_client_that_reset_its_connection_does_not_hinder_the_end_of_others(quiet, pair):
    with socket.create_server(("localhost", 0)) as server:
        reset = socket.create_connection(server.getsockname())
        gone, _ = server.accept()
    reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reset.close()
    with gone:
        until(lambda: select.select([gone], [], [], 0)[0])
        streams = [quiet.open([], 0, client) for client in (gone, pair[0], gone)]
        quiet.stop()
        assert pair[1].recv(1) == b""
        for stream in streams:
            quiet.close(stream)


def test_a_stream_leaves_no_file_open(quiet):
    def bells():
        links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
        return sum(link.is_symlink() and "eventfd" in os.readlink(link) for link in links)

    before = bells()
    for _ in range(10):
        quiet.close(quiet.open(["task:1"], time.time()))
    assert bells() < before + 10  # others in this process come and go


def test_a_stranger_who_tells_everything_all_the_time_is_heard_ever_more_seldom(hub, monkeypatch):
    """Any role may NOTIFY; each time every open page asks for all its parts again."""
    clock = [time.time() + 1000]
    monkeypatch.setattr("kit.live.hub.time.time", lambda: clock[0])
    told = tellings(hub, "task:1", "*")
    for _ in range(1200):
        hub.tell(["*"])
        clock[0] += 0.1
    assert 10 < len(told) < 25

    # After a quiet time it is heard at once again, and what is told apart always is.
    clock[0] += 60
    hub.tell([])
    told.clear()
    clock[0] += 60
    hub.tell(["*"])
    clock[0] += 0.1
    hub.tell(["*", "task:1"])
    clock[0] += 0.3
    hub.tell(["task:1"])
    assert told[0][1] == {"task:1", "*"}
    assert {"task:1"} in [topics & {"task:1"} for _, topics in told[1:]]
