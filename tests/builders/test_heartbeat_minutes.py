"""Heartbeats are counted by the minute, whoever writes or removes them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from builders.models import Builder, Heartbeat, HeartbeatMinute
from builders.retention import prune_heartbeats
from foreman_office.dashboard.builders import track_record
from foreman_office.dashboard.builders.track_record import presence
from tests.examples import examples
from tests.factories import BuilderFactory, TaskFactory
from tests.races import overlap

NAMES = ["ui-builder", "api-builder"]
FIRST = datetime(2026, 10, 25, 0, 58, tzinfo=UTC)  # clocks were set back two minutes later
COUNTED = """
    SELECT builder_id, task_id, date_trunc('minute', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
        count(*), count(*) FILTER (WHERE status = 'idle'),
        count(*) FILTER (WHERE status = 'blocked'), max(progress_percentage), min(at), max(at)
    FROM (SELECT *, coalesce(received_at, timestamp) AS at FROM heartbeats) AS beat
    GROUP BY 1, 2, 3
"""
KEPT = """
    SELECT builder_id, task_id, minute, beats, idle, blocked, progress, first_at, last_at
    FROM heartbeat_minutes
"""
ANNOUNCED = """
    SELECT (SELECT max(coalesce(next_beat_within_seconds, 0)) FROM heartbeats AS beat
        WHERE beat.builder_id = kept.builder_id AND task_id IS NOT DISTINCT FROM kept.task_id
            AND coalesce(received_at, timestamp) = last_at), last_announced_seconds
    FROM heartbeat_minutes AS kept
"""

beats = st.builds(
    dict,
    builder=st.sampled_from(NAMES),
    task=st.sampled_from([None, 0, 1]),
    # Few moments, so that many share one.
    at=st.integers(0, 40).map(lambda each: FIRST + timedelta(seconds=each * 7.5)),
    status=st.sampled_from(["active", "idle", "blocked"]),
    progress=st.none() | st.integers(0, 100),
    announced=st.none() | st.integers(1, 7200),
    is_old=st.booleans(),
)
steps = st.lists(
    st.tuples(st.just("insert"), st.lists(beats, min_size=1, max_size=8))
    | st.tuples(st.sampled_from(["delete", "update", "prune"]), st.lists(st.integers(0, 30))),
    max_size=12,
)


def rows(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def insert(said, tasks):
    Heartbeat.objects.bulk_create(
        Heartbeat(
            builder_id=beat["builder"],
            task=None if beat["task"] is None else tasks[beat["task"]],
            timestamp=beat["at"],
            received_at=None if beat["is_old"] else beat["at"],
            status=beat["status"],
            progress_percentage=beat["progress"],
            next_beat_within_seconds=beat["announced"],
        )
        for beat in said
    )


def chosen(places):
    keys = [*Heartbeat.objects.order_by("pk").values_list("pk", flat=True)]
    return Heartbeat.objects.filter(pk__in=[keys[place] for place in places if place < len(keys)])


def assert_kept_as_counted():
    assert sorted(rows(KEPT), key=str) == sorted(rows(COUNTED), key=str)
    for found, kept in rows(ANNOUNCED):
        assert found == (kept or 0)


@pytest.fixture
def tasks(db):
    return [TaskFactory(), TaskFactory()]


@examples(20)
@given(steps=steps)
def test_they_are_what_a_count_of_the_rows_says(steps, tasks):
    Heartbeat.objects.all().delete()
    assert not HeartbeatMinute.objects.exists()
    for what, said in steps:
        if what == "insert":
            insert(said, tasks)
        elif what == "delete":
            chosen(said).delete()
        elif what == "update":
            chosen(said).update(
                status="blocked",
                builder="api-builder",
                received_at=FIRST + timedelta(minutes=1, seconds=len(said)),
                progress_percentage=len(said),
            )
        else:
            for _ in prune_heartbeats(now() - FIRST - timedelta(seconds=90), batch=2):
                pass
        assert_kept_as_counted()


@examples(20)
@given(
    # Of two of one moment, which one announced the next is for the database to choose.
    said=st.lists(beats, max_size=30, unique_by=lambda beat: (beat["builder"], beat["at"])),
    length=st.integers(0, 200),
    threshold=st.integers(60, 300),
)
def test_silences_are_those_of_all_heartbeats(said, length, threshold, tasks):
    Heartbeat.objects.all().delete()
    insert(said, tasks)
    Builder.objects.filter(pk="ui-builder").update(
        silence_threshold_seconds=threshold,
        current_task=tasks[0],
        assigned_at=FIRST - timedelta(hours=3),
    )
    start = FIRST + timedelta(seconds=45)
    asked = "ui-builder", start, start + timedelta(seconds=length * 7.5 + 1)
    by_minutes = presence(*asked)
    with pytest.MonkeyPatch.context() as patch:
        of_all = track_record.PRESENCE.replace("threshold >= interval '1 minute'", "false")
        assert of_all != track_record.PRESENCE
        patch.setattr(track_record, "PRESENCE", of_all)
        assert by_minutes == presence(*asked)


INSERT = """
    INSERT INTO heartbeats (builder_id, timestamp, received_at, status)
    VALUES ('ui-builder', '2026-10-25T00:58:10Z', '2026-10-25T00:58:10Z', 'active')
"""
DELETE = "DELETE FROM heartbeats WHERE builder_id = 'ui-builder'"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", [INSERT, DELETE])
@pytest.mark.parametrize("second", [INSERT, DELETE])
def test_what_overlaps_is_counted_as_it_is_in_the_end(first, second, connect):
    BuilderFactory()
    with connection.cursor() as cursor:
        cursor.execute(INSERT)
    assert overlap(connect, [first], [second]) == (None, None)
    assert_kept_as_counted()
