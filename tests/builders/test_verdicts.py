"""What silence and speech mean. The clock is the test's own: rows are written with their times."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders import actions
from builders.models import Builder, BuilderPause
from tests.factories import BuilderFactory, HeartbeatFactory, QAExecutionFactory, TaskFactory

pytestmark = pytest.mark.django_db

THRESHOLD = timedelta(seconds=120)
SECOND = timedelta(seconds=1)


@pytest.fixture
def t0():
    return now() - timedelta(hours=1)


@pytest.fixture
def holder(builder, t0):
    """A builder that was given a task at t0, and was last heard of long before."""
    task = TaskFactory(state="in-progress", assigned_builder=builder.pk)
    return BuilderFactory(
        current_task=task, assigned_at=t0, last_heartbeat=t0 - timedelta(days=1), state="active"
    )


def beat(builder, at, **said):
    return HeartbeatFactory(builder=builder, task=builder.current_task, timestamp=at, **said)


def verdict(builder, at):
    return Builder.objects.with_verdicts(at).get(pk=builder.pk).verdict


def since(builder, at):
    return Builder.objects.with_verdicts(at).get(pk=builder.pk).verdict_since


def spin(builder, first, beats=10, **said):
    times = [first + minute * timedelta(minutes=1) for minute in range(beats)]
    for at in times:
        beat(builder, at, **{"progress_percentage": 40, "message": "trying"} | said)
    return times[-1]


def test_one_query_asks_for_all_five(django_assert_num_queries):
    with django_assert_num_queries(1):
        verdicts = {builder.verdict for builder in Builder.objects.with_verdicts()}
    assert verdicts == {"never-heard"}


def test_a_builder_given_work_after_a_long_idleness_has_the_threshold_to_begin(holder, t0):
    assert verdict(holder, t0 + THRESHOLD) == "working"
    assert verdict(holder, t0 + THRESHOLD + SECOND) == "silent"
    assert since(holder, t0 + THRESHOLD + SECOND) == t0


def test_the_database_notes_when_a_task_was_given_and_taken(builder, task):
    before = now() - SECOND
    Builder.objects.filter(pk=builder.pk).update(current_task=task)
    builder.refresh_from_db()
    assert builder.assigned_at > before
    Builder.objects.filter(pk=builder.pk).update(current_task=None)
    builder.refresh_from_db()
    assert builder.assigned_at is None


def test_a_beat_is_good_for_exactly_the_threshold(holder, t0):
    heard = t0 + timedelta(minutes=10)
    beat(holder, heard)
    assert verdict(holder, heard + THRESHOLD) == "working"
    assert verdict(holder, heard + THRESHOLD + SECOND) == "silent"
    assert since(holder, heard + THRESHOLD + SECOND) == heard


@pytest.mark.parametrize(
    ("status", "expected"),
    [("active", "working"), ("blocked", "waiting"), ("idle", "idle-with-work")],
)
def test_a_builder_is_what_it_says_since_it_says_so(holder, t0, status, expected):
    beat(holder, t0 + SECOND, status="idle" if status == "blocked" else "blocked")
    beat(holder, t0 + 2 * SECOND, status=status)
    beat(holder, t0 + 3 * SECOND, status=status)
    assert verdict(holder, t0 + 4 * SECOND) == expected
    assert since(holder, t0 + 4 * SECOND) == t0 + 2 * SECOND


@pytest.mark.parametrize("status", ["active", "blocked", "idle"])
def test_a_builder_that_was_heard_and_has_no_task_is_idle_whatever_it_said(builder, t0, status):
    beat(BuilderFactory(last_heartbeat=t0), t0 + SECOND, status=status)
    assert verdict(builder, t0 + 2 * SECOND) == "idle"
    assert verdict(builder, t0 + timedelta(hours=1)) == "idle"


def test_a_failed_builder_is_silent_until_it_is_heard(holder, t0):
    BuilderFactory(state="failed", state_since=t0)
    assert verdict(holder, t0) == "silent"
    beat(holder, t0 + SECOND)
    assert verdict(holder, t0 + 2 * SECOND) == "working"


# --- spinning -------------------------------------------------------------------------------------


def test_ten_beats_that_say_the_same_are_spinning(holder, t0):
    last = spin(holder, t0 + SECOND, beats=9)
    assert verdict(holder, last) == "working"
    last = spin(holder, last + SECOND, beats=1)
    assert verdict(holder, last) == "spinning"


def test_a_builder_spins_since_it_last_got_on(holder, t0):
    beat(holder, t0 + SECOND, progress_percentage=40)
    last = spin(holder, t0 + 2 * SECOND, beats=15)
    assert verdict(holder, last) == "spinning"
    assert since(holder, last) == t0 + SECOND


def test_silent_repetition_spins_too(holder, t0):
    last = spin(holder, t0 + SECOND, message=None, progress_percentage=None)
    assert verdict(holder, last) == "spinning"


@pytest.mark.parametrize("said", [{"message": "on"}, {"progress_percentage": 41}])
def test_something_new_ends_the_spinning(holder, t0, said):
    last = spin(holder, t0 + SECOND)
    beat(holder, last + SECOND, **{"progress_percentage": 40, "message": "trying"} | said)
    assert verdict(holder, last + SECOND) == "working"


def test_a_builder_whose_beats_are_about_another_task_is_busy_elsewhere(holder, t0):
    spin(holder, t0 + SECOND, beats=5)
    for second in range(5):
        HeartbeatFactory(
            builder=holder,
            timestamp=t0 + timedelta(minutes=30, seconds=second),
            progress_percentage=40,
            message="trying",
        )
    assert verdict(holder, t0 + timedelta(minutes=31)) == "busy-elsewhere"
    assert since(holder, t0 + timedelta(minutes=31)) == t0 + timedelta(minutes=4, seconds=1)


def test_a_builder_that_says_it_is_blocked_waits_and_does_not_spin(holder, t0):
    assert verdict(holder, spin(holder, t0 + SECOND, status="blocked")) == "waiting"


def test_more_passing_tests_than_ever_are_no_spinning(holder, t0):
    run = {"task": holder.current_task, "failing_tests": 5}
    QAExecutionFactory(**run, passing_tests=2, executed_at=t0)
    last = spin(holder, t0 + SECOND, beats=11)
    assert verdict(holder, last) == "spinning"
    QAExecutionFactory(**run, passing_tests=3, executed_at=last)
    assert verdict(holder, last) == "working"


# --- the progress clock ---------------------------------------------------------------------------


def progressed_at(builder):
    return Builder.objects.with_verdicts().get(pk=builder.pk).progressed_at


def test_the_progress_clock_starts_when_the_task_is_given(holder, t0):
    assert progressed_at(holder) == t0


def test_the_progress_clock_stands_still_where_beats_say_nothing_new(holder, t0):
    beat(holder, t0 + SECOND, progress_percentage=10)
    beat(holder, t0 + 2 * SECOND, progress_percentage=10, message="still")
    assert progressed_at(holder) == t0 + SECOND


def test_only_a_run_that_passes_more_than_ever_is_progress(holder, t0):
    run = {"task": holder.current_task, "failing_tests": 5}
    for second, passing in enumerate([3, 5, 4, 5], start=1):
        QAExecutionFactory(**run, passing_tests=passing, executed_at=t0 + second * SECOND)
    QAExecutionFactory(
        **run, passing_tests=9, executed_at=t0 + 9 * SECOND, qa_suite_location="tests/other/"
    )
    assert progressed_at(holder) == t0 + 2 * SECOND


def test_empty_hands_have_no_progress_clock(builder):
    assert progressed_at(builder) is None


# --- pauses ---------------------------------------------------------------------------------------


@pytest.fixture
def pause(holder, t0):
    return BuilderPause.objects.create(
        builder=holder, reason="new disk", started_at=t0, ends_at=t0 + timedelta(minutes=30)
    )


def test_a_pause_holds_for_its_time_and_ends_by_itself(holder, pause, t0):
    assert verdict(holder, t0) == "paused"
    assert since(holder, pause.ends_at - SECOND) == t0
    assert verdict(holder, pause.ends_at - SECOND) == "paused"
    assert verdict(holder, pause.ends_at) != "paused"


def test_after_its_pause_a_builder_has_the_threshold_to_be_heard(holder, pause):
    assert verdict(holder, pause.ends_at + THRESHOLD) != "silent"
    assert verdict(holder, pause.ends_at + THRESHOLD + SECOND) == "silent"


def test_a_builder_is_paused_and_resumed_by_a_person_with_a_reason(holder, admin_user, sql):
    until = now() + timedelta(hours=1)
    actions.pause_builder(holder, reason="new disk", until=until, by=admin_user)
    assert verdict(holder, None) == "paused"
    actions.resume_builder(holder, by=admin_user)
    assert verdict(holder, None) == "working"
    told = sql(
        "SELECT action, context ->> 'user', context -> 'snapshot' ->> 'reason'"
        " FROM evidence_trail WHERE action LIKE 'pause%%' AND entity_id = %s ORDER BY sequence",
        holder.entity_id,
    )
    assert told == [
        ("pause_started", "admin", "new disk"),
        ("pause_ended", "admin", "new disk"),
    ]


def test_a_builder_is_paused_once_at_a_time(holder, refuses):
    until = now() + timedelta(hours=1)
    actions.pause_builder(holder, reason="new disk", until=until, by=None)
    with refuses("builder_pauses_one_per_builder"):
        actions.pause_builder(holder, reason="again", until=until, by=None)


def test_a_pause_that_is_over_makes_room_for_the_next(holder, pause):
    until = now() + timedelta(hours=1)
    actions.pause_builder(holder, reason="again", until=until, by=None)
    pause.refresh_from_db()
    assert pause.ended_at == pause.ends_at


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"reason": "  "}, "builder_pauses_reason_check"),
        ({"until": timedelta(0)}, "builder_pauses_ends_at_check"),
    ],
)
def test_a_pause_needs_a_reason_and_a_time(holder, refuses, wrong, rule):
    given = {"reason": "new disk", "until": timedelta(hours=1)} | wrong
    with refuses(rule):
        actions.pause_builder(
            holder, reason=given["reason"], until=now() - SECOND + given["until"], by=None
        )
