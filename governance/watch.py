"""The watcher's sweep: detect silent builders, declare stalls, and seal the record."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from threading import Event
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import F

from builders.models import Builder, silence_threshold
from builders.retention import (
    prune_agent_stops,
    prune_heartbeats,
    prune_idempotency_keys,
    prune_usage,
    retention,
)
from governance.models import (
    LoginAttempt,
    OfficeSession,
    SentForm,
    Watcher,
    measure_budgets,
)
from governance.retention import prune_notices
from governance.sealing.watching import Sealing
from governance.thinning import (
    ThinningStep,
    may_thin,
    prune_known_tests,
    tests_kept_for,
    thin_runs,
)
from kit.core.acts import act
from kit.core.outages import DATABASE_AWAY, read_only_is_away
from kit.core.sql import ContractNow
from programs.retention import prune_staged_imports

PRUNE_EVERY = timedelta(hours=1)
MEASURE_EVERY = timedelta(minutes=1)  # what is spent of budgets
GONE = timedelta(days=1)  # a watcher that was killed leaves its row; this long it may be seen
FORMS_KEPT_FOR = timedelta(days=1)  # answers to forms, for those that are sent again
ATTEMPTS_KEPT_FOR = timedelta(days=1)  # logins that failed, of which minutes are looked at
FIRST_RETRY, LAST_RETRY = 0.25, 1.0  # seconds: the office is whole again soon after its database


def prune_sent_forms(older_than: timedelta = FORMS_KEPT_FOR) -> int:
    """Delete forms that were sent long ago, and return how many there were."""
    return SentForm.objects.filter(created_at__lt=ContractNow() - older_than).delete()[0]


def prune_logins() -> int:
    """Delete sessions that have expired and old failures to log in; return how many."""
    sessions, _ = OfficeSession.objects.filter(expire_date__lt=ContractNow()).delete()
    attempts = LoginAttempt.objects.filter(at__lt=ContractNow() - ATTEMPTS_KEPT_FOR)
    return sessions + attempts.delete()[0]


class Stall(NamedTuple):
    builder_id: str
    task_id: UUID
    silent_for: timedelta


def declare_stalls(**context: str) -> list[Stall]:
    """Fail every builder that fell silent with an assigned task, and block the task.

    Concurrent callers declare each stall once; each gets the stalls that it declared.
    """
    with act(None, **context), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM governance_declare_stalls(%s)", [silence_threshold()])
        return [Stall(*row) for row in cursor.fetchall()]


def note_absences(shortest: timedelta) -> None:
    """Record when the office was closed before it started: that time is no builder's silence."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT governance_note_absences(%s)", [shortest])


class Watch:
    """One watcher: it sweeps until it is stopped, through restarts of the database."""

    def __init__(
        self,
        period: timedelta,
        stop: Event,
        say: Callable[[str], object],
        after_sweep: Callable[[], object] = lambda: None,
    ) -> None:
        self.period, self.stop, self.say = period, stop, say
        self.after_sweep = after_sweep
        self.pk = uuid4()
        self.starting = True  # until the first sweep
        self.host, self.pid = socket.gethostname(), os.getpid()
        self.failed: set[str] = set()
        self.pruning: Iterator[int] = iter(())
        self.removed = 0
        self.thinning: Iterator[ThinningStep] = iter(())
        self.thinned = ThinningStep(0, 0)
        self.forgetting: Iterator[int] = iter(())  # what no run names any more
        self.prune_at = time.monotonic()
        self.sealing = Sealing(say)

    def run(self) -> None:
        retry = 0.0
        while not self.stop.is_set():
            begun = time.monotonic()
            try:
                with read_only_is_away():
                    self.sweep()
                    measure_budgets(MEASURE_EVERY)
                    self.after_sweep()
                    self.prune()
                    self.sealing.turn()
            except DATABASE_AWAY as error:
                connection.close()
                if not retry:
                    self.say(f"cannot sweep, and keeps trying: {error}".strip())
                retry = min(retry * 2 or FIRST_RETRY, LAST_RETRY)
                self.stop.wait(retry)
            else:
                if retry:
                    self.say("sweeps again")
                retry = 0.0
                self.stop.wait(self.period.total_seconds() - (time.monotonic() - begun))
        self.leave()

    def sweep(self) -> None:
        """Declare stalls, and record that the office was swept."""
        with transaction.atomic():
            if self.starting:
                note_absences(shortest=3 * self.period)
            stalls = declare_stalls(watcher=f"{self.host}:{self.pid}")
            seen = Watcher.objects.filter(pk=self.pk).update(
                swept_at=ContractNow(),
                period=self.period,
                sweeps=F("sweeps") + 1,
                stalls=F("stalls") + len(stalls),
            )
            if not seen:
                Watcher.objects.create(
                    pk=self.pk, host=self.host, pid=self.pid, period=self.period, sweeps=1,
                    stalls=len(stalls),
                )  # fmt: skip
        self.starting = False
        for stall in stalls:
            seconds = timedelta(seconds=int(stall.silent_for.total_seconds()))
            self.say(
                f"{stall.builder_id} fell silent {seconds} ago, assigned to task {stall.task_id}"
            )
        failed = set(
            Builder.objects.filter(state=Builder.State.FAILED).values_list("pk", flat=True)
        )
        for name in sorted(self.failed - failed):
            self.say(f"{name} is no longer silent")
        self.failed = failed

    def prune(self) -> None:
        """Delete one batch of what is old, if it is this watcher's turn; sweeps stay short."""
        if time.monotonic() >= self.prune_at:
            self.prune_at = time.monotonic() + PRUNE_EVERY.total_seconds()
            if self.takes_the_pruning():
                self.pruning, self.removed = prune_heartbeats(retention()), 0
                watcher = f"{self.host}:{self.pid}"
                if may_thin():  # a watcher without a role of upkeep leaves it to one that has it
                    self.thinning = thin_runs(tests_kept_for(), watcher=watcher)
                    self.forgetting = prune_known_tests()
                prune_idempotency_keys()
                prune_agent_stops()
                prune_sent_forms()
                prune_logins()
                prune_staged_imports()
                prune_usage()
                prune_notices()
        batch = next(self.pruning, 0)
        self.removed += batch
        if self.removed and not batch:
            self.say(f"removed {self.removed} heartbeats older than {retention().days} days")
            self.removed = 0
        self.thin()

    def thin(self) -> None:
        """Remove the tests of some old runs, then names that no run has any more, in its turn."""
        step = next(self.thinning, None)
        if step:
            self.thinned = ThinningStep(*map(sum, zip(self.thinned, step, strict=True)))
        elif self.thinned.runs:
            runs, tests = self.thinned
            days = tests_kept_for().days
            self.say(
                f"removed {tests} passed and skipped tests older than {days} days, of {runs} runs"
            )
            self.thinned = ThinningStep(0, 0)
        else:
            next(self.forgetting, None)

    def takes_the_pruning(self) -> bool:
        """Claim the pruning of this hour; return False if another watcher has."""
        with transaction.atomic(), connection.cursor() as cursor:
            # One that is just claiming it is waited for: then its claim is there.
            cursor.execute("LOCK TABLE watchers IN SHARE ROW EXCLUSIVE MODE")
            if Watcher.objects.filter(pruned_at__gt=ContractNow() - PRUNE_EVERY).exists():
                return False
            # The last sweep tells how long the office was away: the newest row stays.
            newest = Watcher.objects.order_by("-swept_at").values("pk")[:1]
            Watcher.objects.filter(swept_at__lt=ContractNow() - GONE).exclude(
                pk__in=newest
            ).delete()
            Watcher.objects.filter(pk=self.pk).update(pruned_at=ContractNow())
            return True

    def leave(self) -> None:
        """Mark our row as left on exit: the office counts as not watched from now on."""
        with suppress(*DATABASE_AWAY), read_only_is_away():
            Watcher.objects.filter(pk=self.pk).update(left_at=ContractNow())
        connection.close()
