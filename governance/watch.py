"""The sweep: what notices silence while nobody looks."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from threading import Event
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from builders.idempotency import prune_idempotency_keys
from builders.models import Builder, silence_threshold
from builders.retention import prune_heartbeats, retention
from foreman_office.kit.acts import act
from foreman_office.kit.sql import ContractNow
from governance.models import Watcher

PRUNE_EVERY = timedelta(hours=1)
PRUNE_LOCK = 0x0FF1CF  # one number that all watchers on one database agree on
GONE = timedelta(days=1)  # a watcher that was killed leaves its row; this long it may be seen
FIRST_RETRY, LAST_RETRY = 0.25, 1.0  # seconds: the office is whole again soon after its database


class Stall(NamedTuple):
    builder_id: str
    task_id: UUID
    silent_for: timedelta


def declare_stalls(**context: str) -> list[Stall]:
    """Fail every builder that fell silent with a task in hand, and block the task.

    Any number of callers at once declare each stall once; each is told its own.
    """
    with act(None, **context), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM governance_declare_stalls(%s)", [silence_threshold()])
        return [Stall(*row) for row in cursor.fetchall()]


class Watch:
    """One watcher: sweeps until it is told to stop, through restarts of the database."""

    def __init__(self, period: timedelta, stop: Event, say: Callable[[str], object]) -> None:
        self.period, self.stop, self.say = period, stop, say
        self.pk = uuid4()
        self.host, self.pid = socket.gethostname(), os.getpid()
        self.failed: set[str] = set()
        self.pruning: Iterator[int] = iter(())
        self.removed = 0
        self.prune_at = time.monotonic()

    def run(self) -> None:
        retry = 0.0
        while not self.stop.is_set():
            begun = time.monotonic()
            try:
                self.sweep()
                self.prune()
            except (OperationalError, InterfaceError) as error:
                connection.close()
                if not retry:
                    self.say(f"cannot sweep, and tries again until it can: {error}".strip())
                retry = min(retry * 2 or FIRST_RETRY, LAST_RETRY)
                self.stop.wait(retry)
            else:
                if retry:
                    self.say("sweeps again")
                retry = 0.0
                self.stop.wait(self.period.total_seconds() - (time.monotonic() - begun))
        self.leave()

    def sweep(self) -> None:
        """Declare what fell silent, and leave word that the office is watched."""
        with transaction.atomic():
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
        for stall in stalls:
            seconds = timedelta(seconds=int(stall.silent_for.total_seconds()))
            self.say(f"{stall.builder_id} fell silent, {seconds} ago, with task {stall.task_id}")
        failed = set(
            Builder.objects.filter(state=Builder.State.FAILED).values_list("pk", flat=True)
        )
        for name in sorted(self.failed - failed):
            self.say(f"{name} is no longer silent")
        self.failed = failed

    def prune(self) -> None:
        """Remove a batch of old heartbeats, where it is our turn: a sweep never waits for more."""
        if time.monotonic() >= self.prune_at:
            self.prune_at = time.monotonic() + PRUNE_EVERY.total_seconds()
            if self.takes_the_pruning():
                self.pruning, self.removed = prune_heartbeats(retention()), 0
                prune_idempotency_keys()
        batch = next(self.pruning, 0)
        self.removed += batch
        if self.removed and not batch:
            self.say(f"removed {self.removed} heartbeats older than {retention().days} days")
            self.removed = 0

    def takes_the_pruning(self) -> bool:
        """Claim the pruning of this hour, unless another watcher has."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [PRUNE_LOCK])
            recent = Watcher.objects.filter(pruned_at__gt=ContractNow() - PRUNE_EVERY)
            if not cursor.fetchone()[0] or recent.exists():
                return False
            Watcher.objects.filter(swept_at__lt=ContractNow() - GONE).delete()
            Watcher.objects.filter(pk=self.pk).update(pruned_at=ContractNow())
            return True

    def leave(self) -> None:
        """Take our word back, so that nobody relies on us a moment longer."""
        with suppress(OperationalError, InterfaceError):
            Watcher.objects.filter(pk=self.pk).delete()
        connection.close()
