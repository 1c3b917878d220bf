"""Heartbeats that arrive at the same time are stored together, each as if it had come alone."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils.timezone import now
from psycopg import errors

from builders import actions
from builders.models import Builder, Heartbeat
from governance.models import Evidence
from kit.core.acts import Refused
from tests.factories import TaskFactory
from tests.races import PATIENCE, overlap, until

NAMES = ["api-builder", "qa-builder", "ui-builder"]


@pytest.fixture
def tokens(transactional_db):
    return {name: actions.issue_token(Builder.objects.get(pk=name), by=None)[1] for name in NAMES}


@pytest.fixture
def said(tokens):
    """Return what the office passes to the database of a heartbeat."""

    def said(name, token=None, **more):
        digest = actions.token_digest(token or tokens[name]).hex()
        beat = {"token_digest": f"\\x{digest}", "sent_builder": name, "sent_status": "active"}
        return json.dumps(beat | more, default=str)

    return said


@pytest.fixture
def send(tokens):
    """Send a heartbeat in a thread of its own, as a request does."""
    with ThreadPoolExecutor(8) as threads:

        def tell(name, more):
            beat = dict.fromkeys(
                ("task_id", "message", "progress_percentage", "heartbeat_id", "timestamp")
            )
            try:
                return actions.record_heartbeat(
                    tokens[name], **beat | {"builder_id": name, "status": "active"} | more
                )
            finally:
                connection.close()

        yield lambda name, **more: threads.submit(tell, name, more)


@contextmanager
def held(connect, table, name):
    """Lock a builder's rows in a table as another transaction does, without a time limit."""
    stranger = connect()
    stranger.execute("BEGIN")
    stranger.execute(f"SELECT FROM {table} WHERE builder_id = %s FOR UPDATE", [name])
    yield stranger
    stranger.execute("ROLLBACK")


def waiting_for(observer, stranger):
    query = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    return observer.execute(query, [stranger.info.backend_pid]).fetchone()[0]


def test_each_is_answered_by_its_number(said):
    task = TaskFactory()
    twice = uuid.uuid4()
    answers = actions._store_heartbeats(
        [
            said("ui-builder"),
            said("api-builder", token="nobody's"),
            said("qa-builder", sent_builder="api-builder"),
            said("api-builder", sent_task=uuid.uuid4()),
            said("api-builder", sent_id=twice, sent_task=task.pk),
            said("api-builder", sent_id=twice, sent_task=task.pk),
            said("api-builder", sent_id=twice, sent_message="another"),
            said("ui-builder"),
        ]
    )
    assert [rule for rule, *_ in answers] == [
        *(None, "valid_token", "own_builder", "known_task"),
        *(None, None, "heartbeat_id_used_once", None),
    ]
    assert answers[4] == answers[5]
    assert answers[4][1] == twice
    stored = {answers[place][1] for place in (0, 4, 7)}
    assert set(Heartbeat.objects.values_list("pk", flat=True)) == stored


def test_each_leaves_its_own_evidence(said):
    states = ["active", "blocked", "active", "idle"]
    Builder.objects.filter(pk="ui-builder").update(state="idle")
    before = Evidence.objects.of(Builder.objects.get(pk="ui-builder")).count()
    actions._store_heartbeats([said("ui-builder", sent_status=state) for state in states])
    trail = Evidence.objects.of(Builder.objects.get(pk="ui-builder")).order_by("sequence")
    moves = [row.context["to"] for row in trail[before:]]
    assert moves == states
    assert {row.actor for row in trail[before:]} == {"ui-builder"}


def test_the_newest_of_several_speaks_for_its_builder(said):
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    Builder.objects.filter(pk="ui-builder").update(current_task=task)
    ago = [timedelta(seconds=seconds) for seconds in (3, 1, 2)]
    moments = [now() - each for each in ago]
    actions._store_heartbeats(
        [
            said("ui-builder", sent_task=task.pk, sent_progress=progress, sent_at=moment)
            for progress, moment in zip((10, 30, 20), moments, strict=True)
        ]
    )
    task.refresh_from_db()
    assert task.progress_percentage == 30
    assert Builder.objects.get(pk="ui-builder").last_heartbeat == moments[1]


def test_who_is_not_patient_is_refused_what_somebody_holds(said, connect):
    with held(connect, "builders", "ui-builder"), pytest.raises(OperationalError) as refused:
        actions._store_heartbeats([said("api-builder"), said("ui-builder")])
    assert isinstance(refused.value.__cause__, errors.LockNotAvailable)
    assert not Heartbeat.objects.exists()


def test_a_builder_that_somebody_holds_holds_up_nobody_else(send, connect):
    observer = connect()
    with held(connect, "builders", "ui-builder") as stranger:
        stuck = [send("ui-builder"), send("ui-builder")]
        until(lambda: waiting_for(observer, stranger))
        others = [send(name) for name in ("api-builder", "qa-builder") * 2]
        for other in others:
            other.result(PATIENCE)
        assert not any(each.done() for each in stuck)
    for each in stuck:
        each.result(PATIENCE)
    assert Heartbeat.objects.count() == 6


def test_a_beat_that_is_refused_takes_no_other_along(send, connect):
    observer = connect()
    with held(connect, "builders", "ui-builder") as stranger:
        first = send("ui-builder")
        until(lambda: waiting_for(observer, stranger))
        good, bad = send("api-builder"), send("qa-builder", timestamp=now() + timedelta(hours=1))
        good.result(PATIENCE)
        with pytest.raises(Refused) as refused:
            bad.result(PATIENCE)
        assert refused.value.rule == "builders_heartbeats_not_ahead"
    first.result(PATIENCE)
    assert Heartbeat.objects.filter(builder_id="qa-builder").count() == 0


def test_what_was_stored_and_not_answered_is_stored_once(said):
    beats = [said(name, sent_id=uuid.uuid4()) for name in NAMES]
    together = actions._store_heartbeats(beats)
    assert [actions._store_heartbeat(beat) for beat in beats] == together
    assert Heartbeat.objects.count() == len(NAMES)


@pytest.mark.parametrize("beats_first", [True, False])
def test_many_beats_and_a_move_of_many_tasks_do_not_wait_for_each_other(
    beats_first, said, connect, wave
):
    for name in NAMES:
        task = TaskFactory(wave=wave, state="in-progress", assigned_builder=name)
        Builder.objects.filter(pk=name).update(current_task=task)
    beats = [
        said(name, sent_task=Builder.objects.get(pk=name).current_task_id, sent_progress=50)
        for name in NAMES
    ]
    store = ("SELECT FROM builders_record_heartbeats(%s, true)", [f"[{','.join(beats)}]"])
    finish = [
        "SELECT set_config('foreman.override', 'the end of a test', true)",
        "UPDATE tasks SET state = 'completed'",
    ]
    errors = overlap(connect, *(([store], finish) if beats_first else (finish, [store])))
    assert errors == (None, None)
    assert Heartbeat.objects.count() == 3


def test_beats_that_wait_for_a_builder_hold_no_wave_that_it_may_need(said, connect, wave):
    """The holder of the later builder moves the same wave, and neither waits for the other."""
    task = TaskFactory(wave=wave, state="in-progress", assigned_builder="api-builder")
    Builder.objects.filter(pk="api-builder").update(current_task=task)
    beats = [said("api-builder", sent_task=task.pk, sent_progress=50), said("ui-builder")]
    observer, one = connect(), connect()
    with ThreadPoolExecutor(1) as thread, held(connect, "builders", "ui-builder") as stranger:
        query = "SELECT FROM builders_record_heartbeats(%s, true)"
        stored = thread.submit(one.execute, query, [f"[{','.join(beats)}]"])
        until(lambda: waiting_for(observer, stranger))
        stranger.execute("SELECT FROM waves FOR NO KEY UPDATE NOWAIT")
        stranger.execute("COMMIT")
        stored.result(PATIENCE)
    assert Heartbeat.objects.count() == 2
