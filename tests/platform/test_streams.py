"""Event streams on a real office: its own workers, its own database."""

import http.client
import subprocess
import sys
import time
from contextlib import ExitStack

import psutil
import psycopg
import pytest

from foreman_office.management.commands.office import GRACE
from kit.live.views import STILL
from kit.runtime import embedded_postgres
from tests.platform.conftest import ROOT, environment, opened, place, starting
from tests.races import PATIENCE, until

FULL = ("poll", "full")
ROOM = 20  # streams
LOG_IN = "from bench.pages import logged_in; print(logged_in())"


class Office:
    """An office with one worker, and a logged-in user."""

    def __init__(self, opened, var, cookie):
        self.process, self.var, self.cookie = opened.process, var, cookie
        self.host = opened.address.removeprefix("http://").rstrip("/")

    def ask(self, path):
        """Open a connection of its own for one request; the answer lets go of it when closed."""
        client = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        client.request("GET", path, headers={"Cookie": self.cookie, "Connection": "close"})
        return client.getresponse()

    def answers(self, path):
        with self.ask(path) as answer:
            answer.read()
            return answer.status == 200

    def worker(self):
        """The web worker: the child of the child that is gunicorn."""
        [worker] = [
            process
            for process in self.process.descendants()
            if "gunicorn" in process.cmdline() and "gunicorn" in process.parent().cmdline()
        ]
        return worker

    def database(self):
        return psycopg.connect(embedded_postgres.database_url(self.var), autocommit=True)


@pytest.fixture(scope="module")
def office(migrated):
    """An office with one thread and one connection for pages, and room for some streams."""
    var = place() / "var"
    limits = {"FOREMAN_DB_POOL_SIZE": "1", "WEB_THREADS": "1", "FOREMAN_STREAMS": str(ROOM)}
    with starting() as start:
        office = opened(start, migrated, var, **limits)
        log_in = [sys.executable, ROOT / "manage.py", "shell", "--no-imports", "-c", LOG_IN]
        said = subprocess.run(log_in, env=environment(var), capture_output=True, check=True)
        yield Office(office, var, said.stdout.decode().strip())


@pytest.fixture
def stream():
    """Open a stream, and return its answer once it has sent its first event."""
    with ExitStack() as opened:

        def stream(office):
            answer = opened.enter_context(office.ask("/live/?topics=*"))
            return answer, read_event(answer)

        yield stream


def read_event(answer):
    fields = {}
    while line := answer.readline().decode().rstrip("\n"):
        name, _, value = line.partition(": ")
        fields[name] = value
    return fields["event"], fields["data"]


def read_until(answer, event):
    while read_event(answer) != event:
        pass


def fill(office, stream, number=ROOM):
    """Open so many streams, as soon as those of earlier tests have made room for them."""
    streams = []

    def opened():
        answer, words = stream(office)
        if words != FULL:
            streams.append(answer)
        return len(streams) == number

    until(opened)
    return streams


def test_a_change_in_the_database_is_told_on_every_stream(office, stream):
    answers = fill(office, stream, 3)
    for answer in answers:
        read_until(answer, ("poke", "*"))  # since it listens
    with office.database() as writer:
        writer.execute("INSERT INTO heartbeats (builder_id, status) VALUES ('ui-builder', 'idle')")
    for answer in answers:
        read_until(answer, ("poke", "*"))


def test_sleeping_streams_leave_threads_and_connections_to_pages(office, stream):
    fill(office, stream)
    for _ in range(3):
        assert office.answers("/")
    with office.database() as reader:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'foreman-live'"
        )
        assert reader.execute(query).fetchone() == (1,)


def test_past_the_limit_streams_are_refused_and_pages_are_not(office, stream):
    streams = fill(office, stream)
    assert stream(office)[1] == FULL
    assert office.answers("/")

    def makes_room_at_once():
        """A page that is left does, long before the next word would be sent to it."""
        began = time.monotonic()
        streams.pop().close()
        until(lambda: (opened := stream(office))[1] != FULL and streams.append(opened[0]) is None)
        return time.monotonic() - began < STILL / 3

    until(makes_room_at_once)  # sooner or later also where others take the processor


def test_a_worker_with_open_streams_stops_without_waiting_for_them(office, stream):
    answers = fill(office, stream)
    stopping = office.worker()
    stopping.terminate()
    # A stream that is waited for takes the whole time of grace. It is a quarter of a second on a
    # machine that does nothing else.
    _, alive = psutil.wait_procs([stopping], timeout=0.9 * GRACE)
    assert not alive
    for answer in answers:
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    # The next one takes over, as a page that connects again finds.
    until(lambda: stream(office)[1][0] in ("live", "deaf"))
