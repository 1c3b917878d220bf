"""A beat is applied where it lands, whoever wrote the row."""

import uuid
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from builders.models import Builder, Heartbeat
from governance.models import Evidence
from programs.models import Task
from tests.database import without_triggers
from tests.examples import examples
from tests.factories import BuilderFactory, HeartbeatFactory, TaskFactory
from tests.races import overlap, refusal

pytestmark = pytest.mark.django_db

LONG_AGO = now() - timedelta(days=30)


@pytest.fixture
def task(wave):
    return TaskFactory(wave=wave, state="assigned", assigned_builder="ui-builder")


@pytest.fixture
def holder(task):
    return BuilderFactory(current_task=task, last_heartbeat=LONG_AGO)


@pytest.fixture
def beat(sql):
    """Insert a heartbeat past every model."""

    def beat(builder="ui-builder", task=None, status="active", ago=timedelta(0), progress=None):
        sql(
            "INSERT INTO heartbeats (builder_id, task_id, status, timestamp, progress_percentage)"
            " VALUES (%s, %s, %s, now() - %s, %s)",
            *(builder, getattr(task, "pk", task), status, ago, progress),
        )

    return beat


def test_a_beat_sets_its_builders_pulse_and_state(holder, beat, sql):
    beat(status="blocked", ago=timedelta(seconds=3))

    [(moment,)] = sql("SELECT now() - interval '3 seconds'")
    holder.refresh_from_db()
    assert (holder.last_heartbeat, holder.state) == (moment, "blocked")


def test_other_builders_stay_as_they_are(holder, beat):
    before = list(Builder.objects.exclude(pk=holder.pk).values())

    beat(status="blocked")

    assert list(Builder.objects.exclude(pk=holder.pk).values()) == before


@pytest.mark.parametrize("status", Heartbeat.Status.values)
def test_the_models_and_the_shell_have_the_same_effect(status, holder, task):
    HeartbeatFactory(builder=holder, task=task, status=status, progress_percentage=40)

    holder.refresh_from_db()
    task.refresh_from_db()
    assert (holder.state, task.progress_percentage) == (status, 40)


def test_copied_beats_have_the_same_effect(owner_session, holder, task):
    with owner_session.cursor() as cursor:
        columns = "(builder_id, task_id, timestamp, status, progress_percentage)"
        with cursor.copy(f"COPY heartbeats {columns} FROM STDIN") as copy:
            moment = now()
            for minutes, status, progress in ((3, "active", 10), (1, "idle", 30), (2, "idle", 20)):
                at = moment - timedelta(minutes=minutes)
                copy.write_row((holder.pk, task.pk, at, status, progress))

    holder.refresh_from_db()
    task.refresh_from_db()
    assert (holder.last_heartbeat, holder.state) == (moment - timedelta(minutes=1), "idle")
    assert (task.state, task.progress_percentage) == ("in-progress", 30)


def test_progress_of_the_held_task_reaches_its_wave_and_program(holder, task, beat):
    TaskFactory(wave=task.wave)
    beat(task=task, progress=50)

    task.wave.refresh_from_db()
    task.wave.program.refresh_from_db()
    assert task.wave.progress_percentage == task.wave.program.progress_percentage == 25


def test_a_beat_may_report_less_progress_than_before(holder, task, beat):
    beat(task=task, progress=50, ago=timedelta(seconds=2))
    beat(task=task, progress=40, ago=timedelta(seconds=1))

    assert Task.objects.get().progress_percentage == 40


def test_a_beat_without_progress_leaves_it(holder, task, beat):
    beat(task=task, progress=50, ago=timedelta(seconds=2))
    beat(task=task, ago=timedelta(seconds=1))

    assert Task.objects.get().progress_percentage == 50


# --- starting a task ----------------------------------------------------------------------------


def test_the_first_active_beat_starts_an_assigned_task(holder, task, beat, sql):
    beat(task=task, ago=timedelta(seconds=5))

    [(moment,)] = sql("SELECT now()")  # when it was received: its sender's clock may be wrong
    task.refresh_from_db()
    assert (task.state, task.started_at) == ("in-progress", moment)


@pytest.mark.parametrize("status", ["idle", "blocked"])
def test_only_an_active_beat_starts_a_task(status, holder, task, beat):
    beat(task=task, status=status, progress=5)

    task.refresh_from_db()
    assert (task.state, task.started_at, task.progress_percentage) == ("assigned", None, 5)


def test_a_task_that_is_taken_up_again_keeps_its_first_start(holder, task, beat):
    Task.objects.update(started_at=LONG_AGO)
    beat(task=task)

    task.refresh_from_db()
    assert (task.state, task.started_at) == ("in-progress", LONG_AGO)


def test_the_builder_is_the_one_who_started_the_task(holder, task, beat, sql):
    Builder.objects.update(backend_type="hosted", provenance={"model": "m-2"})
    sql("SELECT set_config('foreman.actor', 'qa-builder', true)")

    beat(task=task, progress=5)

    started = Evidence.objects.of(task).get(action="state_changed")
    assert (started.actor, started.backend, started.model) == ("ui-builder", "hosted", "m-2")
    assert (started.context["from"], started.context["to"]) == ("assigned", "in-progress")
    assert sql("SELECT current_setting('foreman.actor')") == [("qa-builder",)]


# --- what a beat never touches ------------------------------------------------------------------


@pytest.mark.parametrize("state", ["planned", "completed", "failed"])
def test_a_task_not_at_work_is_untouched(state, holder, task, beat, sql):
    with transaction.atomic():
        with without_triggers():  # or its builder would put it down
            Task.objects.update(state=state, progress_percentage=70)
        before = Task.objects.values().get()

        beat(task=task, progress=90)

        assert Builder.objects.get(pk=holder.pk).current_task_id == task.pk
        assert Task.objects.values().get() == before
        transaction.set_rollback(True)  # no transaction may end like this


def test_a_blocked_task_reports_progress_and_stays_blocked(holder, task, beat):
    Task.objects.update(state="blocked")
    beat(task=task, progress=30)

    task.refresh_from_db()
    assert (task.state, task.progress_percentage) == ("blocked", 30)


def test_a_beat_about_a_task_not_held_touches_no_task(holder, task, beat, wave):
    other = TaskFactory(wave=wave, state="in-progress")
    before = list(Task.objects.order_by("pk").values())

    beat(task=other, progress=90)
    beat(builder="api-builder", task=task, progress=90)
    beat(task=None, progress=90)

    assert list(Task.objects.order_by("pk").values()) == before
    assert Builder.objects.get(pk="ui-builder").state == "active"


def test_a_beat_that_repeats_what_is_known_writes_no_task(holder, task, beat, sql):
    beat(task=task, progress=50, ago=timedelta(seconds=2))
    before = sql("SELECT ctid::text FROM tasks")

    beat(task=task, progress=50, ago=timedelta(seconds=1))

    assert sql("SELECT ctid::text FROM tasks") == before


# --- late, equal, ahead -------------------------------------------------------------------------


def test_an_older_beat_is_kept_and_moves_nothing_back(holder, task, beat):
    beat(task=task, status="blocked", progress=60, ago=timedelta(minutes=1))
    builder, held = Builder.objects.values().get(pk=holder.pk), Task.objects.values().get()

    beat(task=task, status="active", progress=20, ago=timedelta(minutes=2))

    assert Heartbeat.objects.count() == 2
    assert Builder.objects.values().get(pk=holder.pk) == builder
    assert Task.objects.values().get() == held


def test_of_beats_of_the_same_moment_the_last_to_arrive_speaks(holder, task, beat):
    moment = timedelta(minutes=1)
    beat(task=task, status="active", progress=10, ago=moment)
    beat(task=task, status="idle", progress=20, ago=moment)

    holder.refresh_from_db()
    assert (holder.state, Task.objects.get().progress_percentage) == ("idle", 20)


def test_the_same_beat_twice_is_one_row(holder, refuses, sql):
    key = uuid.uuid4()
    again = "INSERT INTO heartbeats (heartbeat_id, builder_id, status) VALUES (%s, %s, %s)"
    sql(again, key, holder.pk, "active")

    sql(f"{again} ON CONFLICT DO NOTHING", key, holder.pk, "blocked")
    assert Builder.objects.get(pk=holder.pk).state == "active"

    with refuses("heartbeats_pkey"):
        sql(again, key, holder.pk, "blocked")


def test_a_beat_may_be_a_minute_ahead_and_no_more(holder, beat, refuses, sql):
    beat(ago=-timedelta(minutes=1))

    with refuses("builders_heartbeats_not_ahead"):
        beat(ago=-timedelta(minutes=1, microseconds=1))
    with refuses("builders_heartbeats_not_ahead"):
        Heartbeat.objects.update(timestamp=now() + timedelta(hours=1))
    with refuses("builders_heartbeats_not_ahead"):
        sql("UPDATE heartbeats SET timestamp = 'infinity'")


def test_a_fast_clock_does_not_let_an_older_beat_follow_a_newer_one(holder, task, beat):
    beat(task=task, status="blocked", progress=60, ago=-timedelta(seconds=40))
    beat(task=task, status="active", progress=20, ago=-timedelta(seconds=30))

    holder.refresh_from_db()
    assert (holder.state, Task.objects.get().progress_percentage) == ("blocked", 60)


# --- any order ----------------------------------------------------------------------------------

beats = st.lists(
    st.tuples(
        st.integers(-50, 3000).filter(bool),  # seconds ago, by the sender's clock
        st.sampled_from(Heartbeat.Status.values),
        st.none() | st.integers(0, 100),
        st.booleans(),  # about the task in hand, or about none
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda beat: beat[0],
)


@given(beats=beats, at_once=st.booleans())
@examples(10)
def test_in_any_order_the_newest_beat_speaks_for_its_builder(sql, beats, at_once):
    """The builder ends as its newest beat says, whatever the order of arrival.

    Its task ends with the progress of the last beat that was the newest when it came and told any:
    a beat that came too late is never applied afterwards, so without a progress in the newest beat
    the order does matter. Where the newest beat tells one, it is the task's.
    """
    with transaction.atomic():
        task = TaskFactory(state="assigned")
        BuilderFactory(current_task=task, last_heartbeat=LONG_AGO, state="idle")
        # All examples run in one transaction, for which the office's clock stands still.
        [(moment,)] = sql("SELECT now()")
        rows = [
            Heartbeat(
                builder_id="ui-builder",
                task=task if about else None,
                timestamp=moment - timedelta(seconds=ago),
                status=status,
                progress_percentage=progress,
            )
            for ago, status, progress, about in beats
        ]
        if at_once:
            Heartbeat.objects.bulk_create(rows)
        else:
            for row in rows:
                row.save(force_insert=True)

        builder, newest = Builder.objects.get(pk="ui-builder"), max(rows, key=by_time)
        assert (builder.last_heartbeat, builder.state) == (
            min(newest.timestamp, moment),
            newest.status,
        )

        task.refresh_from_db()
        applied = [row for n, row in enumerate(rows) if row is max(rows[: n + 1], key=by_time)]
        spoken = [row for row in applied if row.task_id]
        told = [row.progress_percentage for row in spoken if row.progress_percentage is not None]
        assert task.progress_percentage == (told[-1] if told else 0)
        if newest.task_id and newest.progress_percentage is not None:
            assert task.progress_percentage == newest.progress_percentage
        started = [row.timestamp for row in spoken if row.status == "active"]
        assert task.state == ("in-progress" if started else "assigned")
        assert task.started_at == (moment if started else None)
        transaction.set_rollback(True)


def by_time(row):
    return row.timestamp


# --- at once ------------------------------------------------------------------------------------


def statement(task, status, seconds_ago, progress):
    return (
        "INSERT INTO heartbeats (builder_id, task_id, status, timestamp, progress_percentage)"
        " VALUES ('ui-builder', %s, %s, now() - make_interval(secs => %s), %s)",
        [task.pk, status, seconds_ago, progress],
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("newer_first", [True, False])
def test_of_two_beats_at_once_the_newer_one_speaks(newer_first, connect, holder, task):
    newer, older = statement(task, "blocked", 1, 60), statement(task, "active", 600, 20)
    first, second = (newer, older) if newer_first else (older, newer)

    assert overlap(connect, [first], [second]) == (None, None)

    holder.refresh_from_db()
    task.refresh_from_db()
    assert (holder.state, task.progress_percentage) == ("blocked", 60)


@pytest.mark.django_db(transaction=True)
def test_a_beat_that_waits_for_its_task_to_be_taken_away_leaves_it_alone(connect, holder, task):
    release = "UPDATE builders SET current_task_id = NULL WHERE builder_id = 'ui-builder'"

    errors = overlap(connect, [release], [statement(task, "active", 0, 60)])

    assert errors == (None, None)
    task.refresh_from_db()
    assert (task.state, task.progress_percentage) == ("assigned", 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("beats_first", [True, False])
def test_a_beat_and_the_end_of_its_task_at_once_end_completed(beats_first, connect, holder, task):
    beat = [statement(task, "active", 0, 60)]
    finish = [
        "SELECT set_config('foreman.override', 'the end of a test', true)",
        "UPDATE tasks SET state = 'completed'",
    ]

    errors = overlap(connect, *((beat, finish) if beats_first else (finish, beat)))

    assert errors == (None, None)
    task.refresh_from_db()
    assert (task.state, task.progress_percentage) == ("completed", 100)
    assert Builder.objects.get(pk=holder.pk).current_task_id is None


@pytest.mark.django_db(transaction=True)
def test_a_task_is_started_once_however_many_beats_there_are(connect, holder, task):
    own = connect()
    for _ in range(3):
        assert refusal(own, [statement(task, "active", 0, 10)]) is None

    trail = list(Evidence.objects.of(task).filter(action="state_changed"))
    assert len(trail) == 1
    moments = Heartbeat.objects.order_by("timestamp").values_list("timestamp", flat=True)
    assert all(earlier < later for earlier, later in pairwise(moments))
    task.refresh_from_db()
    assert task.started_at == moments[0]
