"""Events for machines: each entry of the evidence once and in order, whoever commits first."""

import json
import re

import pytest
from django.test import Client

from builders.actions import assign_task, issue_ci_token, issue_token, revoke_token
from foreman_office.reading import events
from foreman_office.reading.events import Cursor, read_on
from governance.models import Evidence
from governance.sealing.settled import Settled
from kit.live.hub import hub
from programs.actions import write_note
from tests.factories import BuilderFactory, ProgramFactory, TaskFactory
from tests.races import PATIENCE, until

pytestmark = pytest.mark.django_db(transaction=True)

EVENT = re.compile(r"id: (?P<id>\S+)\nevent: evidence\ndata: (?P<data>.+)\n\n")


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """What this process knows of the order, without a rest between two looks."""
    made = Settled(margin=0)
    monkeypatch.setattr(events, "_settled", made)
    return made


def settle(settled):
    """Wait until all that was written can be read, whatever else the server does."""
    settled.advance()
    written = settled.given_out
    until(lambda: settled.advance() >= written)


@pytest.fixture
def ci_token(db):
    return issue_ci_token("pipeline", by=None)


@pytest.fixture
def follow(settled):
    """Read the stream until it has nothing more; return the events and the last id."""

    def follow(token, since=None, settled_before=True, **headers):
        if settled_before:
            settle(settled)
        asked = {"seconds": 0} | ({} if since is None else {"since": since})
        answer = Client().get(
            "/api/events", asked, headers={"Authorization": f"Bearer {token}", **headers}
        )
        assert answer.status_code == 200, answer.content
        assert answer.headers["Content-Type"] == "text/event-stream"
        body = b"".join(answer.streaming_content).decode()
        answer.close()
        found = [(each["id"], json.loads(each["data"])) for each in EVENT.finditer(body)]
        return found, re.findall(r"^id: (\S+)$", body, re.MULTILINE)[-1]

    return follow


def actions(found):
    return [told["action"] for _, told in found]


def test_what_happens_comes_once_and_in_order_across_connections(follow, ci_token):
    task = TaskFactory()
    _, start = follow(ci_token[1])
    write_note(task, text="One.", by=None)
    write_note(task, text="Two.", by=None)
    first, place = follow(ci_token[1], start)
    assert actions(first) == ["note_recorded", "note_recorded"]
    assert [told["context"]["snapshot"]["text"] for _, told in first] == ["One.", "Two."]
    assert follow(ci_token[1], place) == ([], place)
    # A stream that broke off after the first of them.
    again, _ = follow(ci_token[1], first[0][0])
    assert again == first[1:]
    assert follow(ci_token[1], start, **{"Last-Event-ID": place})[0] == []
    everything, _ = follow(ci_token[1], "0-")
    assert len(everything) == Evidence.objects.count()


def test_a_stream_that_ends_at_once_has_what_is_there_now(follow, ci_token, settled, monkeypatch):
    """Also in a process that has not looked at the evidence for long."""
    monkeypatch.setattr(events, "LONGEST_SETTLING", PATIENCE)
    monkeypatch.setattr(settled, "margin", 0.05)
    task = TaskFactory()
    _, start = follow(ci_token[1], settled_before=False)
    assert start == str(Cursor.at(Evidence.objects.latest("sequence").sequence))
    write_note(task, text="One.", by=None)
    found, _ = follow(ci_token[1], start, settled_before=False)
    assert actions(found) == ["note_recorded"]


INSERT = """
    INSERT INTO task_notes (task_id, text, written_by) VALUES (%s, %s, 'foreman')
"""


@pytest.mark.parametrize("first_to_commit", ["earlier", "later"])
def test_who_commits_first_does_not_matter(connect, ci_token, first_to_commit):
    """The order of numbers is not that of commits: nothing is read before it is settled."""
    task = TaskFactory()
    earlier, later = connect(), connect()
    settled = Settled(margin=0)
    settle(settled)
    start = settled.number
    for session in (earlier, later):
        session.execute("BEGIN")
    earlier.execute(*note(task, "earlier"))
    other = TaskFactory()
    later.execute(*note(other, "later"))
    last = 0

    def texts(rows):
        return [row["context"]["snapshot"].get("text") for row in rows]

    one, two = (earlier, later) if first_to_commit == "earlier" else (later, earlier)
    one.execute("COMMIT")
    by = ci_token[0]
    seen, cursor = [], start
    for _ in range(3):
        rows, cursor = read_on(by, cursor, settled.advance())
        seen += texts(rows)
    if first_to_commit == "later":
        assert "later" not in seen
    two.execute("COMMIT")
    settle(settled)
    rows, last = read_on(by, cursor, settled.advance())
    seen += texts(rows)
    assert [text for text in seen if text] == ["earlier", "later"]
    assert read_on(by, last, settled.advance()) == ([], last)


def note(task, text):
    return INSERT, [task.pk, text]


def test_each_reads_what_is_its_own(follow, ci_token):
    held = assign_task(TaskFactory(), BuilderFactory(), by=None, override="a scene")
    other = TaskFactory()
    own = issue_token(BuilderFactory(), by=None)[1]
    some = issue_ci_token("some", programs=[other.wave.program_id], by=None)[1]
    _, start = follow(ci_token[1])
    write_note(held, text="To the builder.", by=None)
    write_note(other, text="To another.", by=None)
    ProgramFactory()
    assert len(follow(ci_token[1], start)[0]) == 3
    for token, task in ((own, held), (some, other)):
        found, place = follow(token, start)
        assert [told["entity_id"] for _, told in found] == [str(task.pk)]
        assert follow(token, place)[0] == []


def test_a_place_that_the_record_does_not_have_is_refused(ci_token, task):
    last = Evidence.objects.latest("sequence")
    headers = {"Authorization": f"Bearer {ci_token[1]}"}
    for since, status in [
        (f"{last.sequence}-00000000", 410),
        (f"{last.sequence}-{last.evidence_id.hex[:8]}", 200),
        ("x", 422),
        ("1", 422),
        ("-1-", 422),
    ]:
        answer = Client().get("/api/events", {"since": since, "seconds": 0}, headers=headers)
        assert answer.status_code == status, since
        answer.close()
    assert Client().get("/api/events", {"sinse": "0-"}, headers=headers).status_code == 422
    assert Client().get("/api/events").status_code == 401


def test_a_caller_has_so_many_streams_and_gives_them_back(ci_token):
    headers, before = {"Authorization": f"Bearer {ci_token[1]}"}, len(hub)

    def ask():
        return Client().get("/api/events", headers=headers)

    opened = [ask() for _ in range(events.MOST_OF_A_CALLER)]
    full = ask()
    assert (full.status_code, full.json()["errors"][0]["rule"]) == (503, "streams")
    assert full.headers["Retry-After"]
    for each in opened:
        each.close()
    assert len(hub) == before
    answer = ask()
    assert answer.status_code == 200
    answer.close()


@pytest.mark.slow
def test_a_stream_tells_as_it_happens_and_ends_with_its_token(live_server, ci_token, monkeypatch):
    monkeypatch.setattr(events, "BEAT", 0.2)
    before = len(hub)
    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    task = TaskFactory()
    connection = HTTPConnection(urlsplit(live_server.url).netloc, timeout=PATIENCE)
    connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {ci_token[1]}"})
    answer = connection.getresponse()
    assert answer.readline().startswith(b": ")
    write_note(task, text="Now.", by=None)
    lines = iter(answer.readline, b"")
    data = next(line for line in lines if line.startswith(b"data: "))
    assert json.loads(data.removeprefix(b"data: "))["context"]["snapshot"]["text"] == "Now."
    revoke_token(ci_token[0], by=None)
    for _ in lines:  # until the office ends it
        pass
    connection.close()
    until(lambda: len(hub) == before)
