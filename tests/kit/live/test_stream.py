import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection
from django.test import RequestFactory
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.access.sessions import SessionStore, digest_of_key
from governance.models import OfficeSession
from kit.live import views
from tests.factories import UserFactory

pytestmark = pytest.mark.pooled

STREAM = reverse("live:stream")


@pytest.fixture
def viewer(transactional_db):
    return UserFactory(roles=["viewer"])


@pytest.fixture
def asked(client, viewer):
    """A request of a logged-in user, as the middleware passes it on."""
    client.force_login(viewer)
    request = RequestFactory().get(STREAM)
    request.session = SessionStore(client.session.session_key)
    request.user = viewer
    return request


@pytest.fixture
def stream(hub, asked, monkeypatch):
    """Open streams on a hub of our own, each as an iterator of its events."""
    monkeypatch.setattr(views, "hub", hub)
    opened = []

    def stream(*topics, since=None):
        chunks = views.events(asked, set(topics), time.time() + 1 if since is None else since)
        opened.append(chunks)
        return (parsed(event) for chunk in chunks for event in chunk.split(b"\n\n") if event)

    yield stream
    for chunks in opened:
        chunks.close()
    assert len(hub) == 0


def parsed(event):
    fields = dict(line.split(": ", 1) for line in event.decode().splitlines())
    assert abs(float(fields["id"]) - time.time()) < 60
    return fields["event"], fields["data"]


def test_a_stream_says_that_it_hears_and_what_was_touched(stream, hub):
    events = stream("task:1", "blocker")
    assert next(events) == ("live", "")
    hub.tell(["task:1", "blocker:7", "wave:1"])
    assert next(events) == ("poke", "blocker task:1")


def test_a_stream_begins_with_what_its_page_missed(stream, hub):
    events = stream("task:1", "blocker", since=0)
    assert next(events) == ("live", "")
    assert next(events) == ("poke", "blocker task:1")


def test_a_stream_says_when_the_office_hears_nothing_and_when_it_hears_again(stream, hub):
    events = stream("task:1")
    assert next(events) == ("live", "")
    hub._end()
    assert next(events) == ("deaf", "")
    hub._begin()
    assert next(events) == ("live", "")
    assert next(events) == ("poke", "task:1")


def test_a_stream_without_news_says_so_in_time(stream, monkeypatch):
    monkeypatch.setattr(views, "STILL", 0.2)
    events = stream("task:1")
    assert [next(events) for _ in range(3)] == [("live", ""), ("still", ""), ("still", "")]


def log_out(session, user):
    session.delete()


def expire(session, user):
    row = OfficeSession.objects.filter(pk=digest_of_key(session.session_key))
    row.update(expire_date=now() - timedelta(seconds=1))


def deactivate(session, user):
    user.is_active = False
    user.save(update_fields=["is_active"])


def change_password(session, user):
    user.set_password("another")
    user.save(update_fields=["password"])


def take_role(session, user):
    Group.objects.get(name="viewer").user_set.remove(user)


@pytest.mark.parametrize("end", [log_out, expire, deactivate, change_password, take_role])
def test_a_stream_ends_with_its_session_or_the_right_to_read(
    stream, asked, viewer, monkeypatch, end
):
    monkeypatch.setattr(views, "STILL", 0.2)
    events = stream("task:1")
    assert next(events) == ("live", "")
    assert next(events) == ("still", "")
    end(asked.session, viewer)
    said = list(events)
    assert said[-1] == ("over", "")
    assert set(said[:-1]) <= {("still", "")}


def test_a_stream_whose_reader_cannot_be_looked_up_ends(stream, monkeypatch):
    def away(request):
        raise OperationalError("away")

    monkeypatch.setattr(views, "STILL", 0)
    monkeypatch.setattr(views.auth, "get_user", away)
    assert list(stream("task:1")) == [("live", ""), ("over", "")]


def test_a_sleeping_stream_holds_no_connection(stream, asked, monkeypatch):
    monkeypatch.setattr(views, "STILL", 0.2)
    connection.ensure_connection()
    events = stream("task:1")
    next(events)
    assert connection.connection is None
    next(events)
    assert connection.connection is None


def test_streams_end_when_their_process_stops(stream, hub):
    events = stream("task:1")
    next(events)
    hub.stop()
    assert list(events) == []


def test_past_the_limit_a_page_is_told_to_poll(stream, settings):
    settings.FOREMAN_STREAMS = 1
    first, second = stream("task:1"), stream("task:1")
    assert next(first) == ("live", "")
    assert list(second) == [("poll", "full")]


def test_without_a_session_to_listen_in_a_page_is_told_to_poll(stream, settings, hub):
    settings.DATABASE_POOLED, settings.DATABASE_LISTEN_URL = True, ""
    assert list(stream("task:1")) == [("poll", "unheard")]
    settings.DATABASE_LISTEN_URL = "postgres://foreman@db.example.org/foreman"
    assert next(stream("task:1")) == ("live", "")


# --- over HTTP ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        {"topics": "task:1; DROP"},
        {"topics": "Task"},
        {"topics": "task:"},
        {"topics": "a:" + "x" * 41},
        {"topics": " ".join(f"task:{number}" for number in range(61))},
        {"since": "yesterday"},
        {"since": "nan"},
        {"since": "1e400"},
    ],
)
def test_what_is_no_topic_is_refused(client, viewer, query):
    client.force_login(viewer)
    assert client.get(STREAM, query).status_code == 400


def test_a_stream_may_not_be_kept_by_anybody_on_its_way(client, viewer):
    client.force_login(viewer)
    answer = client.get(STREAM, {"topics": "*"})
    assert answer["Content-Type"] == "text/event-stream"
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Accel-Buffering"] == "no"


def test_the_address_to_listen_at_is_used(settings, transactional_db):
    params = connection.get_connection_params()
    settings.DATABASE_POOLED = True
    settings.DATABASE_LISTEN_URL = (
        "postgresql:///{dbname}?user={user}&host={host}&port={port}".format(
            **{"dbname": "postgres", "user": "", "host": "", "port": ""} | params
        )
    )
    from kit.live.hub import connect

    with connect() as listening:
        assert listening.info.dbname == params["dbname"]
        assert listening.autocommit
