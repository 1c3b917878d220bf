"""What a watcher does between its sweeps. As a process: tests/platform/test_watch.py."""

from datetime import timedelta
from threading import Event

import pytest
from django.utils.timezone import now

from builders.models import Heartbeat
from governance.models import Watcher
from governance.watch import PRUNE_LOCK, Watch
from tests.factories import HeartbeatFactory

pytestmark = pytest.mark.django_db

PERIOD = timedelta(seconds=5)


class Told(list):
    __call__ = list.append


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def watch(told):
    return lambda: Watch(PERIOD, Event(), told)


@pytest.fixture
def old_beats(builder):
    """Twelve beats, of which the ten newest are kept."""
    for day in range(12):
        HeartbeatFactory(builder=builder, timestamp=now() - timedelta(days=100 + day))


def test_a_sweep_leaves_word_of_itself():
    watch = Watch(PERIOD, Event(), Told())
    watch.sweep()
    watch.sweep()
    watcher = Watcher.objects.alive().get()
    assert (watcher.sweeps, watcher.stalls, watcher.period) == (2, 0, PERIOD)


def test_a_watcher_whose_word_was_lost_gives_it_again(watch):
    sweeping = watch()
    sweeping.sweep()
    Watcher.objects.all().delete()
    sweeping.sweep()
    assert Watcher.objects.alive().exists()


def test_a_watcher_prunes_and_says_what_it_removed(watch, told, old_beats):
    pruning = watch()
    pruning.sweep()
    pruning.prune()
    pruning.prune()
    assert told == ["removed 2 heartbeats older than 90 days"]
    assert Heartbeat.objects.count() == 10


def test_one_watcher_prunes_for_all(watch, old_beats):
    one, other = watch(), watch()
    one.sweep()
    other.sweep()
    assert one.takes_the_pruning()
    assert not other.takes_the_pruning()
    Watcher.objects.update(pruned_at=now() - timedelta(minutes=61))
    assert other.takes_the_pruning()


@pytest.mark.django_db(transaction=True)
def test_a_watcher_leaves_the_pruning_to_one_that_is_just_taking_it(watch, connect):
    other = connect()
    other.execute("SELECT pg_advisory_lock(%s)", [PRUNE_LOCK])
    sweeping = watch()
    sweeping.sweep()
    assert not sweeping.takes_the_pruning()


def test_watchers_that_were_killed_are_forgotten_after_a_day(watch):
    killed = Watcher.objects.create(
        host="tower", pid=7, period=PERIOD, swept_at=now() - timedelta(hours=25)
    )
    sweeping = watch()
    sweeping.sweep()
    assert sweeping.takes_the_pruning()
    assert not Watcher.objects.filter(pk=killed.pk).exists()
