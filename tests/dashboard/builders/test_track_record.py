"""What is told of a builder: each figure by its printed definition, computed by the database."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.dashboard.builders.track_record import TrackRecord, presence, share_text, work
from governance.models import Evidence
from kit.web.templatetags.times import NOTHING
from kit.web.time_axis import TimeSpan
from programs.history import recording
from tests.factories import (
    BuilderFactory,
    BuilderPauseFactory,
    CompletionClaimFactory,
    HeartbeatFactory,
    QAExecutionFactory,
    TaskFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("open_trail")]

THRESHOLD = timedelta(seconds=120)
END = now().replace(microsecond=0)


def ago(minutes):
    return END - timedelta(minutes=minutes)


@pytest.fixture
def held(builder):
    """A builder that has had a task assigned for the last hour."""
    task = TaskFactory(state="in-progress")
    BuilderFactory(current_task=task, state="active")
    Builder.objects.filter(pk=builder.pk).update(assigned_at=ago(60))
    return task


def hand(action, task, at):
    """Insert the evidence of a task that was assigned or unassigned in the past."""
    change = [None, str(task.pk)] if action == "assigned" else [str(task.pk), None]
    with recording("the past"):
        Evidence.objects.create(
            entity_type="builder",
            entity_id=Builder(pk="ui-builder").entity_id,
            action=action,
            actor="foreman",
            timestamp=at,
            context={"changes": {"current_task_id": change}},
        )


def beat(*minutes, task=None):
    for each in minutes:
        HeartbeatFactory(timestamp=ago(each), task=task)


def heard(**options):
    return presence("ui-builder", ago(60), END, **options)


def test_with_empty_hands_a_builder_may_be_as_quiet_as_it_likes(builder):
    beat(50)
    found = heard()
    assert (found.due, found.silences, found.continuity) == (timedelta(), [], None)


def test_a_builder_heard_all_the_while_is_heard_the_whole_time(held):
    beat(*range(0, 60, 2))
    assert heard().continuity == 100
    assert heard().silences == []


def test_a_gap_begins_when_the_threshold_has_passed_and_ends_with_the_next_beat(held):
    beat(*range(30), *range(40, 60))
    found = heard()
    assert found.silences == [TimeSpan(ago(38), ago(29))]
    assert found.silent == timedelta(minutes=9)
    assert found.continuity == pytest.approx(100 * (1 - 9 / 60))


def test_a_gap_that_goes_on_ends_now(held):
    beat(*range(20, 60))
    assert heard().silences == [TimeSpan(ago(18), END)]


def test_a_builder_that_never_began_is_silent_from_the_threshold_on(held):
    assert heard().silences == [TimeSpan(ago(58), END)]


def test_a_pause_is_no_time_to_be_heard_in_and_the_clock_begins_anew_after_it(held):
    beat(*range(40, 60), *range(19))
    BuilderPauseFactory(started_at=ago(39), ends_at=ago(20), ended_at=ago(20))
    found = heard()
    assert found.due == timedelta(minutes=41)
    assert found.silences == []
    assert found.paused == [TimeSpan(ago(39), ago(20))]


def test_what_was_in_hand_and_when_is_in_the_trail(builder):
    first, second = TaskFactory(), TaskFactory()
    hand("assigned", first, ago(90))  # before the window, and still held when it begins
    hand("released", first, ago(50))
    hand("assigned", second, ago(30))
    hand("released", second, ago(20))
    found = heard()
    assert found.due == timedelta(minutes=20)
    assert found.silences == [TimeSpan(ago(60), ago(50)), TimeSpan(ago(28), ago(20))]
    assert heard(task=second.pk).due == timedelta(minutes=10)
    assert heard(task=second.pk).silences == [TimeSpan(ago(28), ago(20))]


def test_a_share_that_is_not_whole_is_never_said_to_be():
    assert share_text(99.99, 1) == "99.9 %"
    assert share_text(100.0, 1) == "100 %"
    assert share_text(66.7) == "66 %"
    assert share_text(None) == NOTHING


# --- work -----------------------------------------------------------------------------------------


def done(took, *, completed=10, **fields):
    """A task completed so many minutes ago, green after so many minutes of work."""
    started = ago(completed) - timedelta(minutes=took)
    task = TaskFactory(
        **{
            "state": "completed",
            "assigned_builder": "ui-builder",
            "started_at": started,
            "completed_at": ago(completed),
        }
        | fields
    )
    QAExecutionFactory(task=task, executed_at=started - timedelta(minutes=1))  # not of this work
    QAExecutionFactory(task=task, executed_at=ago(completed))
    QAExecutionFactory(task=task, executed_at=END)  # not the first
    return task


def worked():
    return work("ui-builder", END - timedelta(days=30), END)


def test_without_work_there_is_nothing_to_tell(builder):
    found = worked()
    assert found[:2] == (0, 0)
    assert (found.to_green, found.first_time_right, found.stalls) == (None, None, 0)


def test_time_to_green_is_the_median_from_the_first_beat_to_the_first_green_run(builder):
    for took in (4, 10, 40):
        done(took)
    done(5, assigned_builder="qa-builder")
    done(5, completed=31 * 24 * 60)
    done(5, state="failed")
    found = worked()
    assert (found.done, found.greens, found.to_green) == (3, 3, timedelta(minutes=10))


def test_a_run_of_another_suite_makes_nothing_green(builder):
    task = TaskFactory(
        state="completed", assigned_builder="ui-builder", started_at=ago(9), completed_at=ago(1)
    )
    QAExecutionFactory(task=task, qa_suite_location="tests/other/", executed_at=ago(5))
    assert (worked().done, worked().greens) == (1, 0)


def test_first_time_right_looks_at_the_first_claim_of_each_task(builder):
    right, wrong, long_ago = TaskFactory.create_batch(3)
    claims = [(right, 9, True), (wrong, 8, False), (wrong, 7, True), (long_ago, 60 * 24 * 40, True)]
    for task, minutes, accepted in claims:
        CompletionClaimFactory(task=task, claimed_at=ago(minutes), accepted=accepted)
    CompletionClaimFactory(
        task=right, builder=BuilderFactory(builder_id="qa-builder"), claimed_at=ago(5)
    )
    found = worked()
    assert (found.claims, found.right, found.first_time_right) == (2, 1, 50)


def test_stalls_are_counted_from_declaration_to_recovery(builder):
    for minutes, before, after in (
        *((60, "active", "failed"), (50, "failed", "active")),
        *((20, "active", "failed"), (18, "failed", "blocked")),
    ):
        with recording("the past"):
            Evidence.objects.create(
                entity_type="builder",
                entity_id=builder.entity_id,
                action="state_changed",
                actor="foreman",
                timestamp=ago(minutes),
                context={"from": before, "to": after, "changes": {"state": [before, after]}},
            )
    assert worked()[5:] == (2, timedelta(minutes=12))


def test_the_triggers_leave_what_the_figures_read(builder):
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    Builder.objects.filter(pk="ui-builder").update(current_task=task, state="active")
    Builder.objects.filter(pk="ui-builder").update(state="failed")
    Builder.objects.filter(pk="ui-builder").update(state="active")
    Builder.objects.filter(pk="ui-builder").update(current_task=None, state="idle")
    end = now() + timedelta(minutes=1)
    assert work("ui-builder", END - timedelta(days=1), end).stalls == 1
    moves = Evidence.objects.of(builder).filter(action__in=["assigned", "released"])
    assert moves.count() == 2


def test_each_figure_has_its_definition_and_its_number(held):
    beat(*range(0, 60, 2))
    done(10)
    figures = {figure.label: figure for figure in TrackRecord(builder_of(held), END).figures()}
    assert figures["Continuity"].value == "100 %"
    assert "at most 120 s old" in figures["Continuity"].definition
    assert figures["Tasks completed"].value == "1"
    assert figures["Time to green"].value == "10 minutes"
    assert figures["First-claim acceptance"].value == NOTHING
    assert all(figure.definition.endswith(".") for figure in figures.values())


def builder_of(task):
    return Builder.objects.get(current_task=task)
