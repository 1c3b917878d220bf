"""What a watcher does between its sweeps. As a process: tests/platform/test_watch.py."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection
from django.utils.timezone import now

from builders.models import Builder, Heartbeat, OfficeAbsence
from governance.models import Blocker, Watcher
from governance.watch import Watch
from programs.models import StagedImport
from tests.factories import BuilderFactory, HeartbeatFactory, OfficeAbsenceFactory, TaskFactory
from tests.races import overlap, until

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


def test_a_watcher_removes_plan_files_that_were_staged_more_than_a_day_ago(watch):
    old, young = (StagedImport.objects.create(name=name) for name in ("old.yaml", "young.yaml"))
    StagedImport.objects.filter(pk=old.pk).update(created_at=now() - timedelta(hours=25))
    pruning = watch()
    pruning.sweep()
    pruning.prune()
    assert StagedImport.objects.get() == young


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
    one, other, observer = watch(), connect(), connect()
    one.sweep()
    other.execute("BEGIN; LOCK TABLE watchers IN SHARE ROW EXCLUSIVE MODE")
    other.execute("UPDATE watchers SET pruned_at = now()")

    def claim():
        try:
            return one.takes_the_pruning()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        claimed = thread.submit(claim)
        until(lambda: waiting(observer) == 1)
        other.execute("COMMIT")
        assert claimed.result() is False


def waiting(observer):
    """Return how many sessions wait for the lock on the watchers."""
    query = (
        "SELECT count(*) FROM pg_locks JOIN pg_database AS own ON own.oid = database"
        " WHERE datname = current_database() AND NOT granted AND relation = 'watchers'::regclass"
    )
    return observer.execute(query).fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_no_lock_that_anybody_may_take_holds_the_pruning_up(watch, connect):
    connect().execute("SELECT pg_advisory_lock(1036751)")
    sweeping = watch()
    sweeping.sweep()
    assert sweeping.takes_the_pruning()


def test_watchers_that_were_killed_are_forgotten_after_a_day(watch):
    killed = Watcher.objects.create(
        host="tower", pid=7, period=PERIOD, swept_at=now() - timedelta(hours=25)
    )
    sweeping = watch()
    sweeping.sweep()
    assert sweeping.takes_the_pruning()
    assert not Watcher.objects.filter(pk=killed.pk).exists()


# --- the office's own absence ---------------------------------------------------------------------


@pytest.fixture
def swept_long_ago(db):
    """A watcher that last swept an hour ago."""
    return Watcher.objects.create(
        host="tower", pid=7, period=PERIOD, swept_at=now() - timedelta(hours=1)
    )


def hold_since(moment):
    return BuilderFactory(
        current_task=TaskFactory(state="in-progress"), assigned_at=moment, last_heartbeat=moment
    )


def test_the_first_sweep_after_a_closure_charges_nobody_with_it(watch, swept_long_ago):
    hold_since(swept_long_ago.swept_at)
    watch().sweep()
    absence = OfficeAbsence.objects.get()
    assert absence.began_at == swept_long_ago.swept_at
    assert not Blocker.objects.exists()
    assert Builder.objects.with_verdicts().get(pk="ui-builder").verdict != "silent"


def test_an_absence_is_noted_once_however_many_watchers_come_back(watch, swept_long_ago):
    watch().sweep()
    watch().sweep()
    assert OfficeAbsence.objects.count() == 1


def test_an_absence_that_was_noted_at_the_opening_goes_on_until_the_first_sweep(
    watch, swept_long_ago
):
    opened = now() - timedelta(minutes=1)
    OfficeAbsenceFactory(began_at=swept_long_ago.swept_at, ended_at=opened)
    watch().sweep()
    absence = OfficeAbsence.objects.get()
    assert absence.began_at == swept_long_ago.swept_at
    assert absence.ended_at > opened + timedelta(seconds=30)


def test_a_watcher_that_is_a_little_late_is_no_absence(watch, swept_long_ago):
    Watcher.objects.update(swept_at=now() - 2 * PERIOD)
    watch().sweep()
    assert not OfficeAbsence.objects.exists()


def test_an_absence_begins_at_once_where_every_watcher_has_left(watch, swept_long_ago):
    leaving = now() - 2 * PERIOD
    Watcher.objects.update(swept_at=leaving, left_at=leaving)
    assert not Watcher.objects.alive().exists()
    watch().sweep()
    assert OfficeAbsence.objects.get().began_at == leaving


def test_the_first_sweep_of_all_is_no_absence(watch):
    watch().sweep()
    assert not OfficeAbsence.objects.exists()


def test_a_builder_that_stays_silent_after_the_opening_is_found_after_the_threshold(watch):
    an_hour_ago = now() - timedelta(hours=1)
    hold_since(an_hour_ago - timedelta(hours=1))
    OfficeAbsenceFactory(began_at=an_hour_ago - timedelta(minutes=30), ended_at=an_hour_ago)
    watch().sweep()
    assert Blocker.objects.get().classification == "builder_stall"


def test_the_newest_row_stays_however_old_so_that_the_absence_is_known(watch, swept_long_ago):
    Watcher.objects.update(swept_at=now() - timedelta(days=2), left_at=now() - timedelta(days=2))
    assert watch().takes_the_pruning()
    assert Watcher.objects.filter(pk=swept_long_ago.pk).exists()


# --- a watcher that slept while the office received heartbeats ------------------------------------


@pytest.fixture
def resumed(watch):
    """A watcher that slept, and was not started anew."""
    watcher = watch()
    watcher.starting = False
    return watcher


def receive_each_minute(since, until, name="api-builder", lag=timedelta(0)):
    """Store heartbeats of another builder as the web processes received them, minute by minute."""
    builder = BuilderFactory(builder_id=name)
    for minute in range(1, int((until - since) / timedelta(minutes=1))):
        at = since + timedelta(minutes=minute)
        HeartbeatFactory(builder=builder, timestamp=at - lag, received_at=at)


def absences():
    return list(OfficeAbsence.objects.order_by("began_at").values_list("began_at", "ended_at"))


def test_a_stall_is_declared_at_once_where_the_office_received_heartbeats(resumed, swept_long_ago):
    since = swept_long_ago.swept_at
    hold_since(since)
    receive_each_minute(since, now())
    resumed.sweep()
    assert Blocker.objects.get().classification == "builder_stall"
    assert absences() == [(since, since + timedelta(minutes=1))]


@pytest.mark.parametrize("lag", [timedelta(minutes=10), timedelta(days=9999)])
def test_heartbeats_of_a_slow_clock_are_signs_of_the_office_too(resumed, swept_long_ago, lag):
    since = swept_long_ago.swept_at
    hold_since(since)
    receive_each_minute(since, now(), lag=lag)
    resumed.sweep()
    assert Blocker.objects.exists()


def test_an_imported_heartbeat_is_no_sign_of_the_office(watch, swept_long_ago):
    since = swept_long_ago.swept_at
    hold_since(since)
    receive_each_minute(since, now())
    Heartbeat.objects.update(received_at=None)
    watch().sweep()
    assert not Blocker.objects.exists()
    assert [began for began, _ in absences()] == [since]


def test_an_office_that_was_open_and_then_closed_excuses_from_the_last_heartbeat(
    watch, swept_long_ago
):
    since = swept_long_ago.swept_at
    closed = since + timedelta(minutes=30)
    hold_since(since)
    receive_each_minute(since, closed + timedelta(minutes=1))
    watch().sweep()
    assert not Blocker.objects.exists()
    assert [began for began, _ in absences()] == [since, closed]


def test_a_short_pause_between_heartbeats_is_no_absence(resumed, swept_long_ago):
    since = swept_long_ago.swept_at
    hold_since(since)
    receive_each_minute(since, now())
    # Two minutes without any.
    Heartbeat.objects.filter(received_at=since + timedelta(minutes=30)).delete()
    resumed.sweep()
    assert Blocker.objects.exists()
    assert len(absences()) == 1
    assert OfficeAbsence.objects.get().ended_at == since + timedelta(minutes=1)


def test_a_heartbeat_after_the_last_sweep_does_not_hide_a_short_closure(watch, swept_long_ago):
    """The office closed a minute and a half ago, three seconds after its last sweep."""
    left = now() - timedelta(seconds=90)
    Watcher.objects.update(swept_at=left - timedelta(seconds=3), left_at=left)
    HeartbeatFactory(
        builder=BuilderFactory(builder_id="api-builder"),
        timestamp=left - timedelta(seconds=1), received_at=left - timedelta(seconds=1),
    )  # fmt: skip
    hold_since(left - timedelta(seconds=60))
    watch().sweep()
    assert not Blocker.objects.exists()
    assert absences()[0][0] == left


def test_an_office_that_was_killed_and_started_again_charges_nobody_with_its_closure(
    watch, swept_long_ago
):
    """It was killed a minute and a half ago, after a heartbeat that came after its last sweep."""
    killed = now() - timedelta(seconds=90)
    Watcher.objects.update(swept_at=killed - timedelta(seconds=4))
    last = killed - timedelta(seconds=1)
    HeartbeatFactory(
        builder=BuilderFactory(builder_id="api-builder"), timestamp=last, received_at=last
    )
    hold_since(killed - timedelta(seconds=50))
    watch().sweep()
    assert not Blocker.objects.exists()
    assert [began for began, _ in absences()] == [last]


@pytest.mark.parametrize("other", ["killed", "left"])
def test_of_several_watchers_the_last_sweep_counts(watch, swept_long_ago, other):
    earlier = swept_long_ago.swept_at - timedelta(hours=1)
    Watcher.objects.create(
        host="tower", pid=8, period=PERIOD, swept_at=earlier,
        left_at=earlier if other == "left" else None,
    )  # fmt: skip
    watch().sweep()
    assert [began for began, _ in absences()] == [swept_long_ago.swept_at]


def test_a_second_watcher_that_sweeps_on_leaves_nothing_to_note(watch, swept_long_ago):
    hold_since(swept_long_ago.swept_at)
    Watcher.objects.create(host="tower", pid=8, period=PERIOD, swept_at=now() - PERIOD)
    watch().sweep()
    assert Blocker.objects.exists()
    assert not OfficeAbsence.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_watchers_that_wake_at_once_note_each_absence_once(connect, swept_long_ago):
    receive_each_minute(swept_long_ago.swept_at, swept_long_ago.swept_at + timedelta(minutes=10))
    sweep = ["SELECT governance_note_absence()"]
    assert overlap(connect, sweep, sweep) == (None, None)
    assert len(absences()) == 2
