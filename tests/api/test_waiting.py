"""Long polls: an assignment is told as soon as it changes; waiting takes nothing from others."""

import json
import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from django.db import connection

from builders.actions import assign_task, issue_token, revoke_token
from builders.models import Builder
from foreman_office.api import waiting
from governance.actions import escalate
from kit.live.hub import hub
from tests.factories import BuilderFactory, TaskFactory
from tests.races import PATIENCE, until
from tests.scenes import prepare

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

MINUTE = 3600  # longer than any test: only a change ends such a poll


class Poll:
    """A poll under way on a connection of its own."""

    def __init__(self, url, token, query, known=""):
        self.connection = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {token}"}
        if known:
            headers["If-None-Match"] = known
        self.connection.request("GET", f"/api/assignment{query}", headers=headers)

    def answer(self):
        said = self.connection.getresponse()
        body = said.read()
        self.connection.close()
        return said.status, said.headers, json.loads(body) if body else None


@pytest.fixture
def issued():
    return issue_token(BuilderFactory(), by=None)


@pytest.fixture
def poll(live_server, issued):
    return lambda query="", known="", token=issued[1]: Poll(live_server.url, token, query, known)


@pytest.fixture
def ready():
    return prepare(TaskFactory())


def waits(number=1):
    """Wait until so many polls sleep, and hear what is announced."""
    until(lambda: hub.listening and sum(stream.asleep for stream in hub._streams) >= number)


def silent_streams():
    return {stream for stream in hub._streams if stream.silent}


def give(task):
    return assign_task(task, Builder.objects.get(pk="ui-builder"), by=None)


def test_a_poll_is_answered_as_soon_as_there_is_a_task(poll, ready):
    polls = [poll(f"?wait={MINUTE}") for _ in range(2)]
    waits(2)
    give(ready)
    for each in polls:
        status, headers, told = each.answer()
        assert (status, told["task"]["task_id"]) == (200, str(ready.pk))
        assert "Retry-After" not in headers


def test_who_has_a_task_does_not_wait_for_one(poll, ready):
    give(ready)
    assert poll(f"?wait={MINUTE}").answer()[2]["task"]["task_id"] == str(ready.pk)


def test_who_knows_the_assignment_waits_for_its_change(poll, ready):
    give(ready)
    known = poll().answer()[1]["ETag"]
    assert poll("?wait=1", known).answer()[0] == 304
    assert poll("", known).answer()[0] == 304
    asked = poll(f"?wait={MINUTE}", known)
    waits()
    escalate(
        ready, classification="protected_path", description="no", attempts=0, last_error="",
        by=Builder.objects.get(pk="ui-builder"),
    )  # fmt: skip
    status, headers, told = asked.answer()
    assert (status, told["task"]["state"], headers["ETag"] != known) == (200, "blocked", True)


def test_a_poll_ends_when_its_time_is_up(poll):
    began = time.monotonic()
    status, _, told = poll("?wait=1").answer()
    assert (status, told["task"]) == (200, None)
    assert time.monotonic() - began >= 1


def test_waiting_is_bounded(poll, monkeypatch):
    monkeypatch.setattr(waiting, "LONGEST", 0.2)
    assert poll("?wait=3600").answer()[0] == 200
    assert [poll(f"?wait={wrong}").answer()[0] for wrong in ("-1", "3601", "x")] == [422] * 3
    assert poll("?wiat=60").answer()[0] == 422


def test_a_token_that_is_revoked_meanwhile_is_refused(poll, issued):
    asked = poll(f"?wait={MINUTE}")
    waits()
    revoke_token(issued[0], by=None)
    assert asked.answer()[0] == 401


def test_strangers_do_not_wait(poll):
    assert poll(f"?wait={MINUTE}", token="fo_wrong").answer()[0] == 401


def test_a_poll_that_waits_holds_no_connection_of_the_database(poll, sql):
    count = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name <> 'foreman-live'"
    )
    connection.ensure_connection()
    others = silent_streams()
    poll().answer()
    until(lambda: sql(count)[0][0] >= 1)
    before = sql(count)[0][0]
    polls = [poll(f"?wait={MINUTE}") for _ in range(3)]
    waits(3)
    until(lambda: sql(count)[0][0] <= before)
    # The poll that was answered before may still be about to close its own.
    until(lambda: len(silent_streams() - others) == 3)
    give(prepare(TaskFactory()))
    for each in polls:
        each.answer()
    until(lambda: not silent_streams() - others)


def test_polls_that_may_not_wait_are_told_when_to_come_back(poll, settings):
    settings.FOREMAN_STREAMS = 0
    status, headers, told = poll(f"?wait={MINUTE}").answer()
    assert (status, headers["Retry-After"], told["task"]) == (200, "5", None)


def test_one_builder_does_not_take_all_places(poll, ready):
    polls = [poll(f"?wait={MINUTE}") for _ in range(waiting.MOST_OF_A_BUILDER)]
    waits(len(polls))
    assert poll(f"?wait={MINUTE}").answer()[1]["Retry-After"] == "5"
    give(ready)
    assert {each.answer()[0] for each in polls} == {200}


def test_a_process_that_ends_answers_its_polls(issued):
    """By a hub of its own: that of the process has to go on."""
    from kit.live.hub import Hub
    from kit.live.hub import connect as connect_to_listen

    mine = Hub(connect_to_listen)
    stream = mine.open(["builder:ui-builder"], time.time() + 60, silent=True)
    until(lambda: mine.listening)
    mine.wait(stream, 0)  # what it is told as soon as it listens
    mine.take(stream)
    left = []
    thread = threading.Thread(target=lambda: left.append(mine.wait(stream, PATIENCE)))
    thread.start()
    until(lambda: stream.asleep)
    mine.stop()
    thread.join(PATIENCE)
    assert left == [True]
    mine.close(stream)
