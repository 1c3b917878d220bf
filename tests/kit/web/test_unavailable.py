"""What the office answers when its database is away, or so busy that it might as well be."""

import json
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection
from django.test import Client
from psycopg_pool import ConnectionPool

from builders.actions import issue_token
from kit.runtime import pool
from kit.runtime.background_probe import SingleFlight
from kit.web.unavailable import server_error
from tests.factories import BuilderFactory, TaskFactory, UserFactory, WaveFactory

pytestmark = pytest.mark.django_db(transaction=True)
HTML = {"Accept": "text/html"}


@pytest.fixture
def client():
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory())
    return client


@pytest.fixture
def held(connect):
    """Lock what every page reads, with short time limits for whoever waits."""

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
    with held("LOCK TABLE office_sessions IN ACCESS EXCLUSIVE MODE"):
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


def test_a_request_that_gets_no_connection_in_time_is_told_that_there_are_too_many(
    client, monkeypatch
):
    connection.close()
    few = pool.options(1) | {"timeout": 0.2}
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", few)
    try:
        connection.pool.open()
        taken = connection.pool.getconn()
        response = not_now(client.get("/", headers={"Accept": "application/json"}))
        connection.pool.putconn(taken)
        assert response.json() == {
            "rule": "office_crowded",
            "message": "The office has more requests than it can handle at once.",
        }
        assert client.get("/").status_code == 200
    finally:
        connection.close()
        connection.close_pool()


def test_all_who_look_at_what_hangs_share_one_look(connect):
    holder, observer = connect(), connect()
    holder.execute("SELECT pg_advisory_lock(7)")

    def question():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7)")
        return "answered"

    look = SingleFlight(question)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            look.within(0.05)
    waiting = observer.execute(
        "SELECT count(*) FROM pg_locks JOIN pg_database AS own ON own.oid = database"
        " WHERE datname = current_database() AND locktype = 'advisory'"
        " AND objid = 7 AND NOT granted"
    )
    assert waiting.fetchone()[0] == 1
    holder.execute("SELECT pg_advisory_unlock(7)")
    assert look.within(60) == "answered"


# --- what repeating cannot mend -------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [
        psycopg.errors.ProgramLimitExceeded,
        psycopg.errors.StatementTooComplex,
        psycopg.errors.TooManyColumns,
        psycopg.errors.TooManyArguments,
        psycopg.errors.ConfigurationLimitExceeded,
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_limit_of_the_database_is_no_outage(client, monkeypatch, failure, accept):
    def too_much(*args, **kwargs):
        raise OperationalError("too much") from failure("index row size 2856 exceeds maximum 2704")

    monkeypatch.setattr("django.db.models.query.QuerySet._insert", too_much)
    answer = client.post(
        "/programs/new/", {"name": "Lamps", "description": "x"}, headers={"Accept": accept}
    )

    assert answer.status_code == 422
    assert "Retry-After" not in answer.headers
    assert "database_limit" in answer.text
    assert "index row size 2856" in answer.text


def test_a_name_that_no_index_takes_is_refused_at_its_field(client):
    wave = WaveFactory(state="planned", program__state="planned")
    name = " ".join(f"{number:08x}" for number in range(160_000))
    answer = client.post(f"/waves/{wave.pk}/add-task/", {"name": name}, headers=HTML)

    assert (answer.status_code, "Retry-After" in answer.headers) == (422, False)
    assert "must have at most 2,000 bytes in UTF-8" in answer.text
    assert not wave.tasks.exists()


def test_a_builder_is_told_that_sending_again_is_no_use(client, monkeypatch):
    def too_much(*args, **kwargs):
        raise OperationalError("no") from psycopg.errors.ProgramLimitExceeded("index row size")

    builder = BuilderFactory()
    token = issue_token(builder, by=None)[1]
    monkeypatch.setattr("builders.actions.record_heartbeat", too_much)
    body = json.dumps({"builder_id": builder.pk, "status": "idle"})
    answer = client.post(
        "/api/heartbeat",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    assert (answer.status_code, "Retry-After" in answer.headers) == (422, False)
    assert answer.json()["errors"][0]["rule"] == "database_limit"


def test_a_report_whose_tests_wait_too_long_to_be_written_may_be_sent_again(client, held):
    task = TaskFactory(state="in-progress")
    token = issue_token(BuilderFactory(current_task=task), by=None)[1]
    report = '<testsuite name="s"><testcase classname="a" name="b"/></testsuite>'

    def send():
        return client.post(
            f"/api/tasks/{task.pk}/qa-runs",
            report,
            content_type="application/xml",
            headers={"Authorization": f"Bearer {token}"},
        )

    with held("LOCK TABLE qa_test_results IN ACCESS EXCLUSIVE MODE"):
        answer = not_now(send())
    assert answer.json()["errors"][0]["rule"] == "database_busy"
    assert send().status_code == 201
