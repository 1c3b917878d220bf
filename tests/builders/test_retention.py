"""Old heartbeats go in batches; those that a verdict looks back upon stay, however old."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from builders.models import Builder, Heartbeat
from builders.retention import KEPT_BEATS, count_old_heartbeats, prune_heartbeats
from tests.factories import BuilderFactory, TaskFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def beats(name, count, age):
    """Write beats of so many minutes in a row, the first so old."""
    first = now() - age
    return Heartbeat.objects.bulk_create(
        Heartbeat(builder_id=name, timestamp=at, received_at=at, status="active", message="m")
        for at in (first + minute * MINUTE for minute in range(count))
    )


@pytest.fixture
def history(db):
    beats("ui-builder", 25, 100 * DAY)
    beats("ui-builder", 15, 10 * DAY)
    beats("qa-builder", 12, 200 * DAY)


def ages(name):
    timestamps = Heartbeat.objects.filter(builder=name).values_list("timestamp", flat=True)
    return [round((now() - timestamp) / DAY) for timestamp in timestamps.order_by("-timestamp")]


def test_what_is_older_goes_and_the_rest_stays(history):
    assert sum(prune_heartbeats(90 * DAY)) == 25 + 2
    assert ages("ui-builder") == [10] * 15
    assert ages("qa-builder") == [200] * KEPT_BEATS


def test_it_goes_in_batches(history):
    assert list(prune_heartbeats(90 * DAY, batch=10)) == [2, 10, 10, 5]
    assert count_old_heartbeats(90 * DAY) == 0


def test_each_batch_takes_the_oldest(history):
    next(batches := prune_heartbeats(90 * DAY, batch=10))
    oldest = Heartbeat.objects.filter(builder="ui-builder").earliest("timestamp").pk
    next(batches)
    left = set(Heartbeat.objects.filter(builder="ui-builder").values_list("pk", flat=True))
    assert oldest not in left
    assert len(left) == 30


def test_the_verdict_on_a_live_task_is_the_same_afterwards():
    long_ago = now() - 200 * DAY
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    beats("ui-builder", 30, 200 * DAY)
    Heartbeat.objects.update(task=task)
    BuilderFactory(
        current_task=task,
        assigned_at=long_ago,
        last_heartbeat=long_ago + 29 * MINUTE,
        state="active",
    )

    def verdict():
        builders = Builder.objects.with_verdicts(long_ago + 30 * MINUTE)
        return builders.get(pk="ui-builder").verdict

    assert verdict() == "spinning"
    assert sum(prune_heartbeats(90 * DAY)) == 20
    assert verdict() == "spinning"


def test_a_builder_that_was_heard_long_ago_is_not_forgotten():
    beats("ui-builder", 1, 900 * DAY)
    assert sum(prune_heartbeats(90 * DAY)) == 0
    assert Builder.objects.with_verdicts().get(pk="ui-builder").verdict == "idle"


def test_what_was_received_lately_stays_however_old_its_sender_says_that_it_is(history):
    Heartbeat.objects.filter(timestamp__gt=now() - 20 * DAY).update(
        timestamp=now() - 900 * DAY, received_at=now()
    )
    assert sum(prune_heartbeats(90 * DAY)) == 25 + 2
    assert ages("ui-builder") == [900] * 15


def test_a_dry_run_counts_and_removes_nothing(history, capsys):
    call_command("prune_heartbeats", dry_run=True)
    assert capsys.readouterr().out == "Heartbeats older than 90 days would be removed: 27\n"
    assert Heartbeat.objects.count() == 52


def test_the_command_says_what_it_removed(history, capsys):
    call_command("prune_heartbeats", days=150)
    assert capsys.readouterr().out == "Heartbeats older than 150 days removed: 2\n"
    assert Heartbeat.objects.count() == 50


def test_the_newest_day_is_always_kept(history):
    with pytest.raises(CommandError, match="one day"):
        call_command("prune_heartbeats", days=0)
