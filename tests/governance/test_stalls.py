"""Silence with an assigned task becomes a stall, once; a late beat undoes it."""

from datetime import UTC, timedelta

import pytest
from django.utils.timezone import now

from builders import actions as builders
from builders.models import Builder, silence_threshold
from governance import actions
from governance.models import Blocker
from governance.watch import declare_stalls
from programs.models import Task
from tests.database import without_triggers
from tests.factories import BlockerFactory, BuilderFactory, HeartbeatFactory, TaskFactory
from tests.races import is_blocked, overlap, refusal, run

THRESHOLD = timedelta(seconds=120)
DECLARE = ("SELECT * FROM governance_declare_stalls(%s)", [THRESHOLD])

pytestmark = pytest.mark.django_db


def hold(name="ui-builder", heard=THRESHOLD + timedelta(seconds=30), **task):
    """Assign a task to a builder that was last heard so long ago."""
    at = now() - heard
    held = TaskFactory(**{"state": "in-progress", "assigned_builder": name} | task)
    return BuilderFactory(
        builder_id=name, current_task=held, assigned_at=at, last_heartbeat=at, state="active"
    )


@pytest.fixture
def silent(db):
    return hold()


def beat(builder, **said):
    return HeartbeatFactory(builder=builder, task=builder.current_task, **said)


def seen(builder):
    """Return the states of a builder and of its assigned task."""
    builder = Builder.objects.select_related("current_task").get(pk=builder.pk)
    return builder.state, builder.current_task.state


def stall_of(task):
    return Blocker.objects.get(entity_id=task.pk, classification="builder_stall")


def test_a_silent_builder_fails_and_its_task_is_blocked_by_one_blocker(silent):
    (stall,) = declare_stalls()
    assert stall.builder_id == silent.pk
    assert stall.task_id == silent.current_task_id
    assert stall.silent_for >= THRESHOLD + timedelta(seconds=30)
    assert seen(silent) == ("failed", "blocked")
    assert "ui-builder" in stall_of(silent.current_task).description


def test_a_stall_is_declared_once(silent):
    assert len(declare_stalls()) == 1
    assert declare_stalls() == []
    assert stall_of(silent.current_task).occurrences == 1


def test_a_builder_heard_within_the_threshold_is_left_alone():
    hold(heard=THRESHOLD - timedelta(seconds=5))
    assert declare_stalls() == []


def test_empty_hands_cannot_stall(builder):
    BuilderFactory(last_heartbeat=now() - timedelta(days=1), state="active")
    assert declare_stalls() == []


def test_a_builder_given_work_a_moment_ago_has_not_stalled(silent):
    BuilderFactory(assigned_at=now() - timedelta(seconds=5))
    assert declare_stalls() == []


@pytest.mark.parametrize("state", ["assigned", "in-progress", "blocked"])
def test_any_task_that_is_not_finished_can_stall(state):
    silent = hold(state=state)
    assert [stall.task_id for stall in declare_stalls()] == [silent.current_task_id]
    assert seen(silent) == ("failed", "blocked")


def test_a_finished_task_cannot_stall(silent, sql):
    sql("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")  # what is due of the scene
    with without_triggers():  # none lets the builder go
        Task.objects.update(state="completed")
    assert declare_stalls() == []
    sql("UPDATE builders SET current_task_id = NULL")


def test_a_paused_builder_cannot_stall_until_its_pause_is_over(silent):
    builders.pause_builder(silent, reason="disk", until=now() + timedelta(hours=1), by=None)
    assert declare_stalls() == []
    builders.resume_builder(silent, by=None)
    assert declare_stalls() == []  # it has the threshold to come back
    silent.pauses.update(
        started_at=now() - timedelta(hours=1), ended_at=now() - THRESHOLD - timedelta(seconds=1)
    )
    assert len(declare_stalls()) == 1


def test_the_sweep_writes_down_the_end_of_a_pause(silent):
    pause = builders.pause_builder(silent, reason="disk", until=now() + timedelta(hours=1), by=None)
    silent.pauses.update(
        started_at=now() - timedelta(hours=1), ends_at=now() - timedelta(seconds=1)
    )
    declare_stalls()
    pause.refresh_from_db()
    assert pause.ended_at == pause.ends_at


def test_the_trail_names_the_watcher_and_the_foreman(silent, sql):
    declare_stalls(watcher="tower:7")
    told = sql(
        "SELECT entity_type, action, actor, context ->> 'watcher' FROM evidence_trail"
        " WHERE context ? 'watcher' ORDER BY sequence"
    )
    assert told == [
        ("builder", "state_changed", "foreman", "tower:7"),
        ("task", "blocker_raised", "foreman", "tower:7"),
        ("task", "state_changed", "foreman", "tower:7"),
    ]


# --- recovery -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["assigned", "in-progress"])
def test_a_late_beat_restores_what_was(state):
    silent = hold(state=state)
    declare_stalls()
    beat(silent, status="idle")
    assert seen(silent) == ("idle", state)
    stall = stall_of(silent.current_task)
    assert stall.resolved_at is not None
    assert stall.resolution_action == "ui-builder reported again after 00:02:30."


def test_the_first_active_beat_of_an_assigned_task_recovers_and_begins_it():
    silent = hold(state="assigned")
    declare_stalls()
    beat(silent)
    assert seen(silent) == ("active", "in-progress")


def test_the_duration_counts_from_the_assignment_where_that_was_later(silent):
    BuilderFactory(last_heartbeat=now() - timedelta(hours=9))
    declare_stalls()
    beat(silent)
    assert stall_of(silent.current_task).resolution_action.endswith("after 00:02:30.")


def test_a_beat_about_nothing_is_a_sign_of_life_too(silent):
    declare_stalls()
    HeartbeatFactory(builder=silent, status="blocked")
    assert seen(silent) == ("blocked", "in-progress")


def test_what_else_blocks_the_task_goes_on_blocking_it(silent):
    BlockerFactory(entity=silent.current_task, classification="protected_path")
    declare_stalls()
    beat(silent)
    assert seen(silent) == ("active", "blocked")
    assert stall_of(silent.current_task).resolved_at is not None


def test_a_second_stall_of_the_same_task_is_counted(silent):
    declare_stalls()
    beat(silent)
    an_hour_ago = now() - timedelta(hours=1)
    BuilderFactory(last_heartbeat=an_hour_ago, assigned_at=an_hour_ago)
    Blocker.objects.update(detected_at=an_hour_ago, resolved_at=an_hour_ago)
    assert len(declare_stalls()) == 1
    stall = stall_of(silent.current_task)
    assert (stall.occurrences, stall.resolved_at) == (2, None)


def test_a_stall_resolved_by_a_person_comes_back_after_the_threshold(silent):
    declare_stalls()
    task = silent.current_task
    stall = stall_of(task)
    actions.resolve_blocker(stall, resolution_action="Restarted it.", by=None)
    assert seen(silent) == ("failed", "in-progress")
    assert declare_stalls() == []
    over = now() - THRESHOLD - timedelta(seconds=1)
    Blocker.objects.update(detected_at=over, resolved_at=over)
    assert len(declare_stalls()) == 1
    assert seen(silent) == ("failed", "blocked")
    silent.refresh_from_db()
    since = max(silent.heard_at, silent.assigned_at).astimezone(UTC)
    assert f"not reported since {since:%Y-%m-%d %H:%M:%S} UTC" in stall_of(task).description


def test_taking_the_task_away_ends_the_stall(silent):
    task = silent.current_task
    declare_stalls()
    builders.release_task(task, by=None)
    assert stall_of(task).resolution_action == "The task was unassigned from ui-builder."
    task.refresh_from_db()
    assert task.state == "planned"


# --- races ----------------------------------------------------------------------------------------

BEAT = (
    "INSERT INTO heartbeats (builder_id, task_id, status) SELECT builder_id, current_task_id,"
    " 'active' FROM builders WHERE builder_id = 'ui-builder'"
)


@pytest.mark.django_db(transaction=True)
def test_no_stall_is_declared_while_a_beat_is_coming_in(connect):
    silent = hold()
    assert overlap(connect, [BEAT], [DECLARE]) == (None, None)
    assert seen(silent) == ("active", "in-progress")
    assert not Blocker.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_beat_that_comes_in_behind_the_sweep_recovers(connect):
    silent = hold()
    assert overlap(connect, [DECLARE], [BEAT]) == (None, None)
    assert seen(silent) == ("active", "in-progress")
    assert stall_of(silent.current_task).resolved_at is not None


@pytest.mark.django_db(transaction=True)
def test_two_watchers_at_once_declare_a_stall_once(connect):
    silent = hold()
    assert overlap(connect, [DECLARE], [DECLARE]) == (None, None)
    assert seen(silent) == ("failed", "blocked")
    assert stall_of(silent.current_task).occurrences == 1


@pytest.mark.django_db(transaction=True)
def test_a_sweep_waits_for_nobody(connect):
    hold()
    one, other, observer = connect(), connect(), connect()
    run(one, ["BEGIN", "UPDATE tasks SET name = name"])
    run(other, ["BEGIN", DECLARE])
    assert not is_blocked(observer, other)
    assert refusal(one, ["COMMIT"]) is None
    assert refusal(other, ["COMMIT"]) is None
    assert not Blocker.objects.exists()
    assert len(declare_stalls()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("beat_first", [True, False])
def test_a_recovering_beat_and_a_release_do_not_wait_for_each_other(connect, beat_first):
    silent = hold()
    declare_stalls()
    release = "UPDATE tasks SET state = 'planned'"
    first, second = ([BEAT], [release]) if beat_first else ([release], [BEAT])
    one, other = overlap(connect, first, second)
    assert one is None
    assert other is None or other.diag.constraint_name == "programs_tasks_moves"
    assert stall_of(silent.current_task).resolved_at is not None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("beat_first", [True, False])
def test_a_recovering_beat_and_a_resolution_do_not_wait_for_each_other(connect, beat_first):
    silent = hold()
    declare_stalls()
    resolve = "UPDATE blockers SET resolved_at = now(), resolution_action = 'Restarted it.'"
    first, second = ([BEAT], [resolve]) if beat_first else ([resolve], [BEAT])
    assert overlap(connect, first, second) == (None, None)
    assert stall_of(silent.current_task).resolved_at is not None
    assert seen(silent) == ("active", "in-progress")


def test_the_threshold_is_the_offices_own(settings, silent):
    settings.FOREMAN_SILENCE_THRESHOLD_SECONDS = 3600
    assert silence_threshold() == timedelta(hours=1)
    assert declare_stalls() == []
