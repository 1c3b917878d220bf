"""What the office answers when its database is away, or so busy that it might as well be."""

import json
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection
from django.test import Client
from psycopg_pool import ConnectionPool

from builders.actions import issue_token
from foreman_office.kit import pool
from foreman_office.kit.look import Look
from foreman_office.kit.unavailable import server_error
from tests.factories import BuilderFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
HTML = {"Accept": "text/html"}


@pytest.fixture
def client():
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory())
    return client


@pytest.fixture
def held(connect):
    """Keep what everybody needs locked, and let nobody wait for it long."""

    @contextmanager
    def held(*statements):
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        holder = connect()
        holder.execute("BEGIN")
        for statement in statements:
            holder.execute(*([statement] if isinstance(statement, str) else statement))
        yield
        holder.execute("ROLLBACK")
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")

    return held


def not_now(response):
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "no-store" in response.headers["Cache-Control"]
    return response


def test_a_page_that_waits_too_long_says_so_and_goes_on_after(client, held):
    with held("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE"):
        response = not_now(client.get("/?now=1", headers=HTML))
    assert "The office is not ready." in response.text
    assert "database_busy" in response.text
    with held("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE"):
        answer = not_now(client.get("/", headers=HTML | {"HX-Request": "true"}))
    assert answer.text.strip().startswith('<div class="refusal">')  # for the form that asked
    assert "database_busy" in answer.text
    assert 'href="/?now=1"' in response.text
    assert client.get("/", headers=HTML).status_code == 200


def test_a_session_that_cannot_be_read_is_no_reason_to_log_in_again(client, held):
    with held("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE"):
        not_now(client.get("/", headers=HTML))
    assert client.get("/", headers=HTML).status_code == 200


def test_a_lost_connection_is_one_answer_and_the_next_request_has_another(client, connect):
    other = connect()
    connection.ensure_connection()
    other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    response = not_now(client.get("/", headers={"Accept": "application/json"}))
    assert response.json()["rule"] == "database_away"
    close_old_connections()  # as a server does between requests
    assert client.get("/").status_code == 200


def test_a_beat_that_waits_too_long_may_be_sent_again(client, held):
    token = issue_token(BuilderFactory(), by=None)[1]
    beat = {"builder_id": "ui-builder", "status": "active"}

    def send():
        return client.post(
            "/api/heartbeat",
            json.dumps(beat),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )

    with held("LOCK TABLE heartbeats IN ACCESS EXCLUSIVE MODE"):
        response = not_now(send())
    assert response.json()["errors"][0]["rule"] == "database_busy"
    assert send().status_code == 201


@pytest.mark.parametrize("debug", [False, True])
def test_a_request_that_waits_too_long_for_its_twin_may_be_sent_again(
    debug, client, held, task, settings
):
    settings.DEBUG = debug
    builder = BuilderFactory()
    token = issue_token(builder, by=None)[1]

    def send():
        return client.post(
            f"/api/tasks/{task.pk}/claim",
            "{}",
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "once"},
        )

    twin = (
        "INSERT INTO idempotency_keys (builder_id, key, request_digest) VALUES (%s, 'once', '')",
        [builder.pk],
    )
    with held(twin):
        not_now(send())
    assert send().status_code == 404  # not in its hands: a true answer


def test_what_no_view_is_to_blame_for_is_answered_alike(rf):
    try:
        raise OperationalError("gone")
    except OperationalError:
        not_now(server_error(rf.get("/", headers=HTML)))
    try:
        raise LookupError
    except LookupError:
        assert server_error(rf.get("/")).status_code == 500


def test_who_waits_for_a_connection_learns_soon_that_there_is_none():
    options = pool.options(2) | {"reconnect_timeout": 0.05, "timeout": 60}
    nowhere = "host=/nowhere"
    with ConnectionPool(nowhere, **options) as pooled:
        for _ in range(2):  # also who asks after it was given up
            with pytest.raises(psycopg.OperationalError, match="takes no connections"):
                pooled.getconn()


def test_all_who_look_at_what_hangs_share_one_look(connect):
    holder, observer = connect(), connect()
    holder.execute("SELECT pg_advisory_lock(7)")

    def question():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7)")
        return "answered"

    look = Look(question)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            look.within(0.05)
    waiting = observer.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"
    )
    assert waiting.fetchone()[0] == 1
    holder.execute("SELECT pg_advisory_unlock(7)")
    assert look.within(60) == "answered"
