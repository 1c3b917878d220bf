"""Heartbeats over HTTP: what is taken, and what is answered."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from builders import actions
from builders.models import Builder, Heartbeat
from tests.api.refusals import ID, said, short
from tests.factories import BuilderFactory
from tests.races import PATIENCE

pytestmark = pytest.mark.pooled


# --- what is taken --------------------------------------------------------------------------------


def test_a_beat_is_stored_and_moves_the_task_in_hand(post, builder, task):
    actions.assign_task(task, builder, by=None, override="a scene")
    answer = post(
        {
            "builder_id": "ui-builder",
            "task_id": str(task.pk),
            "status": "active",
            "message": "The left panel stands — ✓.",
            "progress_percentage": 40,
        }
    )
    stored = Heartbeat.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "heartbeat_id": str(stored.pk),
        "timestamp": stored.timestamp.isoformat().replace("+00:00", "Z"),
        "interval_seconds": 60,
        "received_at": stored.received_at.isoformat().replace("+00:00", "Z"),
        "next_due_at": (stored.received_at + timedelta(seconds=60))
        .isoformat()
        .replace("+00:00", "Z"),
        "clock": None,
        "answers": [],
    }
    assert (stored.task, stored.message) == (task, "The left panel stands — ✓.")
    builder.refresh_from_db()
    task.refresh_from_db()
    assert (builder.state, builder.last_heartbeat) == ("active", stored.timestamp)
    assert (task.state, task.progress_percentage) == ("in-progress", 40)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"task_id": None, "message": None, "progress_percentage": None},
        {"heartbeat_id": None, "timestamp": None},
        {"status": "idle", "progress_percentage": 0},
        {"status": "blocked", "progress_percentage": 100, "message": ""},
        {"message": "x" * 10_000},
        {"message": "é" * 10_000},
        {"message": "\x01\x7f\u2028 and \t\r\n"},
        {"heartbeat_id": ID.upper()},
        {"timestamp": "2026-01-02T03:04:05Z"},
        {"timestamp": "2026-01-02T03:04:05.123456789+14:00"},
        {"timestamp": "1970-01-01T00:00:00Z"},
    ],
    ids=short,
)
def test_a_beat_says_as_much_as_it_likes(post, beat, more):
    assert post({**beat, **more}).status_code == 201
    stored = Heartbeat.objects.get()
    assert stored.message == more.get("message")
    assert stored.progress_percentage == more.get("progress_percentage")


def test_the_senders_time_is_kept_to_the_microsecond(post, beat):
    answer = post({**beat, "timestamp": "2026-01-02T03:04:05.123456+02:00"})
    at = datetime(2026, 1, 2, 1, 4, 5, 123456, UTC)
    assert Heartbeat.objects.get().timestamp == at
    assert answer.json()["timestamp"] == "2026-01-02T01:04:05.123456Z"


def test_the_answer_names_the_interval_of_the_office(post, beat, settings):
    settings.FOREMAN_HEARTBEAT_INTERVAL_SECONDS = 7
    assert post(beat).json()["interval_seconds"] == 7


@pytest.mark.django_db(transaction=True)
def test_a_beat_is_one_statement_without_a_transaction_around_it(
    post, beat, builder, task, django_assert_num_queries
):
    actions.assign_task(task, builder, by=None, override="a scene")
    beat |= {"task_id": str(task.pk), "progress_percentage": 1}
    one = django_assert_num_queries(1, connection=actions._dedicated())
    with django_assert_num_queries(0), one as queries:
        assert post(beat).status_code == 201
    assert "builders_record_heartbeat" in queries[0]["sql"]


def test_a_beat_asks_for_no_cookie_and_sets_none(post, beat):
    answer = post(beat)
    assert not answer.cookies
    assert "Vary" not in answer.headers


def test_a_beat_needs_no_csrf_token(token, beat):
    answer = Client(enforce_csrf_checks=True).post(
        "/api/heartbeat",
        beat,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201


# --- late, repeated, out of order -----------------------------------------------------------------


def test_late_and_unordered_beats_are_kept_and_move_nothing_backwards(post, beat, builder, task):
    actions.assign_task(task, builder, by=None, override="a scene")
    start = now() - timedelta(minutes=10)

    def say(minute, progress, status="active"):
        at = start + timedelta(minutes=minute)
        more = {"task_id": str(task.pk), "progress_percentage": progress, "status": status}
        assert post({**beat, **more, "timestamp": at.isoformat()}).status_code == 201

    # Their own order would be 10, 20, 30; the builder was last heard of by what came with migrate.
    Builder.objects.filter(pk=builder.pk).update(last_heartbeat=start, heard_at=start)
    say(1, 10)
    say(3, 30, "blocked")
    say(2, 20)
    builder.refresh_from_db()
    task.refresh_from_db()
    assert Heartbeat.objects.count() == 3
    assert (builder.state, builder.last_heartbeat) == ("blocked", start + timedelta(minutes=3))
    assert task.progress_percentage == 30


def test_a_beat_on_a_task_that_another_builder_holds_is_kept_and_leaves_it_alone(post, beat, task):
    actions.assign_task(task, BuilderFactory(builder_id="qa-builder"), by=None, override="a scene")
    assert post({**beat, "task_id": str(task.pk), "progress_percentage": 9}).status_code == 201
    task.refresh_from_db()
    assert (task.state, task.progress_percentage) == ("assigned", 0)


def test_the_same_beat_twice_is_one_row_and_one_answer(post, beat, task):
    sent = {**beat, "task_id": str(task.pk), "message": "once", "heartbeat_id": ID}
    first, second = post(sent), post(sent)
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert Heartbeat.objects.count() == 1


def test_a_beat_repeated_late_does_not_bring_its_state_back(post, beat, builder):
    sent = {**beat, "heartbeat_id": ID}
    post(sent)
    post({**beat, "status": "blocked"})
    assert post(sent).status_code == 201
    builder.refresh_from_db()
    assert builder.state == "blocked"


OTHERWISE = [
    {"status": "idle"},
    {"message": "other"},
    {"message": None},
    {"progress_percentage": 6},
    {"progress_percentage": None},
    {"task_id": None},
    {"timestamp": "2026-01-02T03:04:06Z"},
]


def test_another_beat_under_a_used_id_is_refused(post, beat, task, subtests):
    for change in OTHERWISE:
        with subtests.test(change=short(change)):
            sent = {
                **beat,
                "heartbeat_id": ID,
                "task_id": str(task.pk),
                "message": "once",
                "progress_percentage": 5,
                "timestamp": "2026-01-02T03:04:05Z",
            }
            assert post(sent).status_code == 201
            answer = post({**sent, **change})
            assert answer.status_code == 409
            assert said(answer) == [("heartbeat_id", "heartbeat_id_used_once")]
            assert Heartbeat.objects.get().progress_percentage == 5


def test_an_id_that_another_builder_used_is_refused(post, beat):
    Heartbeat.objects.create(pk=ID, builder_id="qa-builder", status="active")
    answer = post({**beat, "heartbeat_id": ID})
    assert answer.status_code == 409
    assert said(answer) == [("heartbeat_id", "heartbeat_id_used_once")]


@pytest.mark.django_db(transaction=True)
def test_one_beat_from_ten_connections_at_once_is_one_row_and_one_answer(token, beat):
    together = Barrier(10)

    def send(heartbeat_id):
        connection.ensure_connection()
        try:
            together.wait(timeout=PATIENCE)
            answer = Client().post(
                "/api/heartbeat",
                {**beat, "heartbeat_id": heartbeat_id},
                content_type="application/json",
                headers={"Authorization": f"Bearer {token}"},
            )
            return answer.status_code, answer.content
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        for turn in range(1, 11):
            answers = set(threads.map(send, [str(uuid.uuid4())] * 10))
            assert [status for status, _ in answers] == [201]
            assert Heartbeat.objects.count() == turn


# --- the document ---------------------------------------------------------------------------------


def test_the_document_states_what_is_taken_and_what_is_answered(client):
    document = client.get("/api/openapi.json").json()
    beat = document["paths"]["/api/heartbeat"]["post"]
    schemas = document["components"]["schemas"]
    assert schemas["Beat"]["required"] == ["builder_id", "status"]
    assert schemas["Beat"]["additionalProperties"] is False
    assert schemas["HeartbeatStatus"]["enum"] == ["active", "idle", "blocked"]
    assert beat["requestBody"]["required"] is True
    assert set(beat["responses"]) == {
        *("201", "400", "401", "403", "404", "409", "411", "413", "415", "422", "503")
    }
    assert document["components"]["securitySchemes"]


# --- clocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        (-10, "Your clock is 10 s behind the office's, or this heartbeat came late."),
        (40, "Your clock is 40 s ahead of the office's."),
    ],
)
def test_a_wrong_clock_is_named_in_the_answer_and_charged_to_nobody(
    post, builder, task, ahead, told
):
    actions.assign_task(task, builder, by=None, override="a scene")
    sent = now() + timedelta(seconds=ahead)
    beat = {"builder_id": "ui-builder", "task_id": str(task.pk), "status": "active"}
    answer = post(beat | {"timestamp": sent.isoformat()}).json()
    assert answer["clock"] == told
    seen = Builder.objects.with_verdicts().get(pk=builder.pk)
    assert seen.verdict == "working"
    assert seen.heard_at.isoformat().replace("+00:00", "Z") == answer["received_at"]


def test_an_early_heartbeat_makes_no_later_one_unbelieved(post, builder, task):
    actions.assign_task(task, builder, by=None, override="a scene")
    beat = {"builder_id": "ui-builder", "task_id": str(task.pk), "status": "active"}
    ahead = (now() + timedelta(seconds=50)).isoformat()
    post(beat | {"timestamp": ahead, "progress_percentage": 50})
    post(beat | {"status": "blocked", "progress_percentage": 70})
    builder.refresh_from_db()
    task.refresh_from_db()
    assert (builder.state, task.progress_percentage) == ("blocked", 70)


def test_a_heartbeat_announces_a_long_step_of_an_hour_at_most(post, builder, task, sql):
    actions.assign_task(task, builder, by=None, override="a scene")
    beat = {"builder_id": "ui-builder", "task_id": str(task.pk), "status": "active"}
    for announced, minutes in ((1800, 30), (86_400, 60)):
        post(beat | {"next_beat_within_seconds": announced})
        heard = Builder.objects.get(pk=builder.pk).heard_at
        until = heard + timedelta(minutes=minutes)
        for at, verdict in ((until, "working"), (until + timedelta(seconds=1), "silent")):
            assert Builder.objects.with_verdicts(at).get(pk=builder.pk).verdict == verdict
    post(beat)
    later = now() + timedelta(minutes=3)
    assert Builder.objects.with_verdicts(later).get(pk=builder.pk).verdict == "silent"


@pytest.mark.parametrize("wrong", [0, -1, 86_401, "60", 1.5, True])
def test_an_announcement_is_a_number_of_seconds_within_a_day(post, wrong):
    answer = post(
        {"builder_id": "ui-builder", "status": "active", "next_beat_within_seconds": wrong}
    )
    assert answer.status_code == 422
    assert {field for field, _ in said(answer)} == {"next_beat_within_seconds"}
    assert not Heartbeat.objects.exists()


def test_a_heartbeat_sent_again_gets_the_same_answer(post):
    beat = {
        "builder_id": "ui-builder",
        "status": "active",
        "heartbeat_id": str(uuid.uuid4()),
        "timestamp": (now() - timedelta(seconds=30)).isoformat(),
        "next_beat_within_seconds": 600,
    }
    assert post(beat).json() == post(beat).json()
