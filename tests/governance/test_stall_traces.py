"""Made-up lives of two builders, whose truth is known, against what the office says of them.

A transaction's now() stands still, so each life is one transaction, and time passes by moving all
that has happened into the past.
"""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from builders.models import Builder, BuilderPause
from governance.models import Blocker
from governance.watch import declare_stalls
from kit.core.sql import ContractNow
from programs.models import Task
from tests.database import without_triggers
from tests.examples import examples
from tests.factories import HeartbeatFactory, TaskFactory, WaveFactory

pytestmark = pytest.mark.django_db

THRESHOLD, SWEEP = 120, 30  # seconds
NAMES = ["ui-builder", "qa-builder"]
TIMES = {
    "builders": ["last_heartbeat", "heard_at", "stamped_at", "state_since", "assigned_at"],
    "builder_pauses": ["started_at", "ends_at", "ended_at"],
    "heartbeats": ["timestamp", "received_at"],
    "blockers": ["detected_at", "resolved_at"],
}

name = st.sampled_from(NAMES)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 200)),
        st.tuples(st.just("wait"), st.sampled_from([THRESHOLD, THRESHOLD + 1, SWEEP])),
        st.tuples(st.just("beat"), name, st.sampled_from(["active", "idle", "blocked"])),
        st.tuples(st.just("beat"), name, st.just("active")),
        st.tuples(st.just("assign"), name),
        st.tuples(st.just("release"), name),
        st.tuples(st.just("pause"), name, st.integers(1, 400)),
        st.tuples(st.just("resume"), name),
    ),
    min_size=5,
    max_size=12,
)


class Life:
    """The true facts about a builder, computed by other means than the office's."""

    def __init__(self):
        self.quiet_since = 0
        self.task = self.state_before = None
        self.failed = self.stalled = False
        self.paused_until = None

    def end_pause(self, at):
        if self.paused_until is not None and self.paused_until <= at:
            self.quiet_since = max(self.quiet_since, self.paused_until)
            self.paused_until = None

    def is_silent(self, at):
        self.end_pause(at)
        return (
            self.task is not None
            and self.paused_until is None
            and at - self.quiet_since > THRESHOLD
        )


class World:
    def __init__(self):
        self.at, self.wave = 0, WaveFactory()
        self.lives = {name: Life() for name in NAMES}
        Builder.objects.filter(pk__in=NAMES).update(last_heartbeat=ContractNow())

    def wait(self, seconds):
        """Advance the time, with the sweeps that fall into it."""
        end = self.at + seconds
        while self.at < end:
            step = min(end, self.at - self.at % SWEEP + SWEEP) - self.at
            with without_triggers(), connection.cursor() as cursor:
                for table, columns in TIMES.items():
                    moved = ", ".join(
                        f"{column} = {column} - interval '{step} s'" for column in columns
                    )
                    cursor.execute(f"UPDATE {table} SET {moved}")
            self.at += step
            self.check_verdicts()
            if self.at % SWEEP == 0:
                self.sweep()

    def sweep(self):
        expected = {
            name: life
            for name, life in self.lives.items()
            if life.is_silent(self.at) and not life.stalled
        }
        declared = declare_stalls()
        assert {stall.builder_id for stall in declared} == set(expected)
        for stall in declared:
            life = expected[stall.builder_id]
            assert stall.silent_for == timedelta(seconds=self.at - life.quiet_since)
            assert self.at - life.quiet_since <= THRESHOLD + SWEEP
            life.stalled = life.failed = True
            assert Task.objects.get(pk=life.task).state == "blocked"

    def beat(self, name, status):
        life = self.lives[name]
        HeartbeatFactory(builder_id=name, task_id=life.task, status=status, timestamp=ContractNow())
        life.end_pause(self.at)
        life.quiet_since, life.failed, life.stalled = self.at, False, False
        if life.task:
            if life.state_before == "assigned" and status == "active":
                life.state_before = "in-progress"
            assert Task.objects.get(pk=life.task).state == life.state_before
            assert not Blocker.objects.open().filter(entity_id=life.task).exists()

    def assign(self, name):
        life = self.lives[name]
        if life.task:
            return
        task = TaskFactory(wave=self.wave, state="assigned", assigned_builder=name)
        Builder.objects.filter(pk=name).update(current_task=task)
        life.end_pause(self.at)
        life.task, life.state_before, life.quiet_since = task.pk, "assigned", self.at

    def release(self, name):
        life = self.lives[name]
        if life.task is None:
            return
        task = Task.objects.get(pk=life.task)
        task.state = "failed" if task.state == "in-progress" else "planned"
        task.save(update_fields=["state"])
        assert not Blocker.objects.open().filter(entity_id=life.task).exists()
        life.task, life.stalled = None, False

    def pause(self, name, seconds):
        life = self.lives[name]
        life.end_pause(self.at)
        if life.paused_until is None:
            ends_at = ContractNow() + timedelta(seconds=seconds)
            BuilderPause.objects.create(builder_id=name, reason="rest", ends_at=ends_at)
            life.paused_until = self.at + seconds

    def resume(self, name):
        life = self.lives[name]
        life.end_pause(self.at)
        running = BuilderPause.objects.filter(builder_id=name, ended_at=None)
        if life.paused_until is not None:
            running.update(ended_at=ContractNow())
            life.paused_until = self.at
            life.end_pause(self.at)

    def check_verdicts(self):
        for builder in Builder.objects.with_verdicts().filter(pk__in=NAMES):
            life = self.lives[builder.pk]
            life.end_pause(self.at)
            paused = life.paused_until is not None
            assert (builder.verdict == "paused") == paused
            if not paused:
                silent = life.failed or life.is_silent(self.at)
                assert (builder.verdict == "silent") == silent


@pytest.mark.slow
@examples(8)
@given(steps=steps)
def test_silence_is_noticed_in_time_and_nothing_else_is_called_silence(db, steps):
    with transaction.atomic():
        world = World()
        for act, *details in steps:
            getattr(world, act)(*details)
            world.check_verdicts()
        world.wait(THRESHOLD + SWEEP)
        for life in world.lives.values():
            unheard = world.at - life.quiet_since > THRESHOLD + SWEEP
            assert life.stalled or not (unheard and life.task and life.paused_until is None)
        transaction.set_rollback(True)
