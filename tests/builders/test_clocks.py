"""Whose clock says what: heartbeats of fast, slow and wrong clocks, and when the office heard them.

Rows are written with both of their times: `sent`, by the sender's clock, and `received`.
"""

import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from builders.actions import note_heard, set_silence_threshold
from builders.models import Builder, Heartbeat
from governance.models import Evidence
from tests.database import without_triggers
from tests.examples import examples
from tests.factories import BuilderFactory, OfficeAbsenceFactory, TaskFactory

pytestmark = pytest.mark.django_db

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
THRESHOLD = timedelta(seconds=120)


@pytest.fixture
def t0():
    return now() - timedelta(hours=2)


@pytest.fixture
def task(wave):
    return TaskFactory(wave=wave, state="in-progress", assigned_builder="ui-builder")


@pytest.fixture
def holder(task, t0):
    return BuilderFactory(current_task=task, assigned_at=t0, last_heartbeat=t0, state="active")


def beat(holder, sent, received=None, *, status="active", progress=None, announced=None, key=None):
    """Store a heartbeat as it came in; one without a time of its sender has the office's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO heartbeats (heartbeat_id, builder_id, task_id, timestamp, received_at,"
            " status, progress_percentage, next_beat_within_seconds)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                *(key or uuid.uuid4(), holder.pk, holder.current_task_id),
                *(sent, sent if received is None else received, status, progress, announced),
            ],
        )


def seen(builder, at):
    return Builder.objects.with_verdicts(at).get(pk=builder.pk)


def verdict(builder, at):
    return seen(builder, at).verdict


# --- skew -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [10, 125, 3600])
def test_a_slow_clock_is_not_silence(holder, t0, behind):
    for second in range(0, 240, 30):
        at = t0 + second * SECOND
        beat(holder, at - behind * SECOND, at)
        assert verdict(holder, at + SECOND) == "working"
    assert verdict(holder, at + THRESHOLD) == "working"
    assert verdict(holder, at + THRESHOLD + SECOND) == "silent"
    assert seen(holder, at).clock_words == f"Its clock is {behind} s behind."


def test_an_early_heartbeat_makes_no_later_one_unbelieved(holder, t0, task):
    beat(holder, t0 + 50 * SECOND, t0, progress=50)
    beat(holder, t0 + SECOND, status="blocked", progress=70)
    task.refresh_from_db()
    assert (seen(holder, t0).state, task.progress_percentage) == ("blocked", 70)
    assert seen(holder, t0).clock_words == "Its clock is 50 s ahead."


def test_the_time_of_the_contract_is_never_later_than_the_receipt(holder, t0):
    beat(holder, t0 + 50 * SECOND, t0)
    assert Builder.objects.get(pk=holder.pk).last_heartbeat == t0


def test_a_queued_heartbeat_of_a_builder_that_sends_no_times_else_moves_nothing_back(holder, t0):
    beat(holder, t0 + MINUTE, status="blocked")
    beat(holder, t0, t0 + MINUTE + SECOND, status="idle")
    builder = seen(holder, t0 + MINUTE)
    assert (builder.state, builder.heard_at) == ("blocked", t0 + MINUTE + SECOND)


def test_a_clock_that_was_set_back_is_believed_from_its_second_heartbeat_on(holder, t0):
    for second in range(0, 1800, 30):  # of which those an hour ago lie between what comes now
        beat(holder, t0 + second * SECOND, t0 + second * SECOND + MINUTE)
    last = t0 + timedelta(minutes=31)
    for minutes, state in ((1, "active"), (2, "idle"), (3, "idle")):
        at = last + minutes * MINUTE
        beat(holder, at - timedelta(minutes=20), at, status="idle")
        assert Builder.objects.get(pk=holder.pk).state == state


def test_late_heartbeats_that_arrive_at_once_are_no_clock_set_back(holder, t0):
    beat(holder, t0 + 10 * MINUTE, t0 + 10 * MINUTE + SECOND)
    for minutes in range(5):
        beat(holder, t0 + minutes * MINUTE, t0 + 11 * MINUTE, status="idle")
    assert Builder.objects.get(pk=holder.pk).state == "active"


def test_what_was_stored_before_receipts_were_is_judged_by_its_own_time(holder, t0):
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO heartbeats (builder_id, task_id, timestamp, received_at, status)"
            " VALUES (%s, %s, %s, NULL, 'active')",
            [holder.pk, holder.current_task_id, t0 + MINUTE],
        )
    Builder.objects.filter(pk=holder.pk).update(heard_at=None, last_heartbeat=t0 + MINUTE)
    assert seen(holder, t0 + 2 * MINUTE).pulse == t0 + MINUTE
    assert verdict(holder, t0 + MINUTE + THRESHOLD) == "working"
    assert verdict(holder, t0 + MINUTE + THRESHOLD + SECOND) == "silent"


# --- after a stall --------------------------------------------------------------------------------


@pytest.fixture
def stalled(holder, t0):
    """A builder whose clock is ten seconds slow, declared silent at t0 + 5 minutes."""
    beat(holder, t0 - 10 * SECOND, t0)
    return BuilderFactory(state="failed", state_since=t0 + 5 * MINUTE)


def test_one_late_heartbeat_from_before_a_stall_does_not_end_it(stalled, t0):
    beat(stalled, t0 + MINUTE, t0 + 6 * MINUTE)
    assert Builder.objects.get(pk=stalled.pk).state == "failed"
    assert verdict(stalled, t0 + 6 * MINUTE) == "silent"


def test_a_heartbeat_that_was_sent_after_a_stall_ends_it_however_slow_its_clock(stalled, t0):
    beat(stalled, t0 + 5 * MINUTE - 5 * SECOND, t0 + 5 * MINUTE + 5 * SECOND)
    assert verdict(stalled, t0 + 6 * MINUTE) == "working"


def test_the_second_heartbeat_after_a_stall_ends_it(stalled, t0):
    for minutes in (1, 2):
        beat(stalled, t0 + minutes * MINUTE, t0 + (minutes + 5) * MINUTE)
    assert verdict(stalled, t0 + 8 * MINUTE) == "working"


def test_any_report_ends_a_stall(stalled, t0):
    note_heard(stalled)
    assert verdict(stalled, now()) == "working"
    assert Builder.objects.get(pk=stalled.pk).state == "active"


# --- what a builder is ----------------------------------------------------------------------------


def test_a_task_that_nobody_begins_is_told_after_the_threshold(wave, t0):
    task = TaskFactory(wave=wave, state="assigned", assigned_builder="ui-builder")
    holder = BuilderFactory(current_task=task, assigned_at=t0, last_heartbeat=t0)
    for second in range(0, 240, 30):
        beat(holder, t0 + second * SECOND, status="idle")
    assert verdict(holder, t0 + THRESHOLD) == "starting"
    assert verdict(holder, t0 + THRESHOLD + SECOND) == "not-begun"
    assert seen(holder, t0 + THRESHOLD + SECOND).verdict_since == t0


@pytest.mark.parametrize("parent", ["wave", "program"])
def test_work_under_what_is_blocked_is_told(holder, t0, task, parent, sql):
    beat(holder, t0)
    table, row = ("waves", task.wave) if parent == "wave" else ("programs", task.wave.program)
    with without_triggers():
        sql(f"UPDATE {table} SET state = 'blocked' WHERE {parent}_id = %s", row.pk)
    assert verdict(holder, t0 + SECOND) == "parent-blocked"


def test_heartbeats_about_nothing_are_busy_elsewhere_after_the_threshold(holder, t0):
    beat(holder, t0)
    about_nothing = Builder(pk=holder.pk)
    for second in range(30, 240, 30):
        beat(about_nothing, t0 + second * SECOND)
    assert verdict(holder, t0 + THRESHOLD) == "working"
    assert verdict(holder, t0 + THRESHOLD + SECOND) == "busy-elsewhere"
    assert seen(holder, t0 + THRESHOLD + SECOND).verdict_since == t0


def test_the_newest_heartbeat_is_the_last_that_was_received(holder, t0):
    """A clock that was set back by an hour says that all it sent before is newer."""
    beat(holder, t0)
    about_nothing = Builder(pk=holder.pk)
    for second in range(30, 240, 30):
        beat(about_nothing, t0 + second * SECOND - 60 * MINUTE, t0 + second * SECOND)
    assert verdict(holder, t0 + THRESHOLD + SECOND) == "busy-elsewhere"
    assert seen(holder, t0 + THRESHOLD + SECOND).verdict_since == t0


def test_a_builder_whose_clock_was_set_back_spins_by_what_it_says_now(holder, t0):
    for second in range(30, 330, 30):
        beat(holder, t0 + second * SECOND)
    assert verdict(holder, t0 + 5 * MINUTE) == "spinning"
    beat(holder, t0 + 5 * MINUTE - 60 * MINUTE, t0 + 5 * MINUTE + SECOND, status="blocked")
    assert verdict(holder, t0 + 5 * MINUTE + SECOND) == "working"


# --- the office itself ----------------------------------------------------------------------------


@pytest.fixture
def closed(t0):
    """The office was closed from t0 to t0 + 30 minutes."""
    OfficeAbsenceFactory(began_at=t0, ended_at=t0 + 30 * MINUTE)
    return t0 + 30 * MINUTE


def test_a_time_in_which_the_office_was_closed_is_nobodys_silence(holder, closed):
    assert verdict(holder, closed + THRESHOLD) == "working"
    assert verdict(holder, closed + THRESHOLD + SECOND) == "silent"
    assert seen(holder, closed + THRESHOLD + SECOND).verdict_since == closed


# --- the threshold of one builder -----------------------------------------------------------------


def test_a_builder_may_have_a_threshold_of_its_own(holder, t0, admin_user):
    beat(holder, t0)
    set_silence_threshold(holder, seconds=600, by=admin_user)
    assert verdict(holder, t0 + 10 * MINUTE) == "working"
    assert verdict(holder, t0 + 10 * MINUTE + SECOND) == "silent"
    told = Evidence.objects.of(holder).order_by("-sequence").first()
    assert told.context["user"] == "admin"
    assert told.context["changes"]["silence_threshold_seconds"] == [None, 600]


@pytest.mark.parametrize("wrong", [0, 1, 7 * 24 * 3600 + 1])
def test_a_threshold_is_two_seconds_to_seven_days(holder, refuses, wrong):
    with refuses("builders_silence_threshold_seconds_check"):
        set_silence_threshold(holder, seconds=wrong, by=None)


# --- made-up lives --------------------------------------------------------------------------------

STATES = ["active", "idle", "blocked"]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("beat"), st.integers(1, 200), st.sampled_from(STATES)),
        st.tuples(st.just("beat"), st.integers(20, 60), st.sampled_from(STATES)),
        st.tuples(st.just("queue"), st.integers(1, 60), st.sampled_from(STATES)),
        st.tuples(st.just("flush"), st.integers(1, 60), st.permutations([0, 1, 2])),
        st.tuples(st.just("again"), st.integers(1, 60), st.none()),
        st.tuples(st.just("announce"), st.integers(1, 60), st.sampled_from([300, 7200])),
        st.tuples(st.just("set clock"), st.integers(1, 60), st.integers(-7200, 50)),
        st.tuples(st.just("close"), st.integers(130, 900), st.none()),
    ),
    min_size=3,
    max_size=14,
)


class Life:
    """A builder whose clock may be wrong, and the true facts about it."""

    def __init__(self, start, skew):
        self.start = self.at = start
        self.skew, self.believed = skew, 2  # live heartbeats since the clock was last set
        self.heard, self.allowed = start, THRESHOLD
        self.said, self.progress, self.number = "active", 0, 0
        self.queued, self.sent = [], []
        self.task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
        self.builder = BuilderFactory(
            current_task=self.task, assigned_at=start, last_heartbeat=start, state="active"
        )

    def made(self, status, announced=None):
        self.number = self.number % 100 + 1
        sent = None if self.skew is None else self.at + self.skew * SECOND
        return {
            "sent": sent or self.at,
            "status": status,
            "progress": self.number,
            "announced": announced,
            "key": uuid.uuid4(),
        }

    def deliver(self, said):
        beat(self.builder, received=self.at, **said)
        self.heard = self.at
        self.sent.append(said)

    def wait(self, seconds):
        """Advance the time, and check the builder before the next thing happens."""
        for at in (self.at + seconds * SECOND, self.heard + self.allowed):
            if self.at <= at <= self.at + seconds * SECOND:
                self.check(at)
                self.check(min(at + SECOND, self.at + seconds * SECOND))
        self.at += seconds * SECOND

    def check(self, at):
        silent = at - self.heard > self.allowed
        assert (verdict(self.builder, at) == "silent") == silent
        if self.believed >= 2:
            row = Builder.objects.select_related("current_task").get(pk="ui-builder")
            assert (row.state, row.current_task.progress_percentage) == (self.said, self.progress)

    def beat(self, status, announced=None):
        said = self.made(status, announced)
        self.deliver(said)
        self.believed += 1
        self.said, self.progress = said["status"], said["progress"]
        if self.believed >= 2:
            step = min(announced or 0, 3600) * SECOND
            self.allowed = max(THRESHOLD, step)

    def announce(self, seconds):
        self.beat("active", announced=seconds)

    def queue(self, status):
        if self.believed >= 2 and len(self.queued) < 3:
            self.queued.append(self.made(status))

    def flush(self, order):
        """Send what was queued, in any order, after a heartbeat that is made now."""
        self.beat("active")
        for place in order:
            if place < len(self.queued):
                self.deliver(self.queued[place])
        self.queued = []

    def again(self, _):
        if self.sent:
            beat(self.builder, received=self.at, **self.sent[-1])

    def set_clock(self, skew):
        """Set the clock of a builder that sends its own times; what it had queued is lost."""
        if self.skew is not None:
            self.queued, self.believed, self.allowed = [], 0, THRESHOLD
            self.skew = skew
            self.beat("active")
            self.at += 30 * SECOND
            self.beat("active")

    def close(self, _):
        """The office was closed while the time passed."""


@given(skew=st.none() | st.integers(-7200, 50), steps=steps)
@examples(10)
def test_no_clock_order_repetition_or_closure_makes_a_false_silence_or_hides_one(db, skew, steps):
    with transaction.atomic():
        life = Life(now() - timedelta(hours=6), skew)
        for what, seconds, detail in steps:
            if what == "close":
                began = life.at
                life.at += seconds * SECOND
                OfficeAbsenceFactory(began_at=began, ended_at=life.at)
                life.heard = life.at
            else:
                life.wait(seconds)
                getattr(life, what.replace(" ", "_"))(detail)
            life.check(life.at)
        life.wait(4000)
        assert Heartbeat.objects.filter(builder="ui-builder").count() == len(life.sent)
        transaction.set_rollback(True)
