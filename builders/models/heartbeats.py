"""Heartbeats (contract 1.6)."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models.functions import Coalesce

from builders.clocks import lag_seconds
from builders.models.builders import Builder
from kit.core.sql import ContractNow, RandomUUID
from programs.models import Task, one_of, percentage


class HeartbeatStatus(models.TextChoices):
    ACTIVE = "active"
    IDLE = "idle"
    BLOCKED = "blocked"


# When the office received a heartbeat; of old ones, when it was sent.
RECEIVED = Coalesce("received_at", "timestamp")


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def newest_first(self) -> Self:
        """Return the last received first; of those of one moment, the last sent."""
        return self.order_by(RECEIVED.desc(), "-timestamp")

    def received_between(self, start: datetime, end: datetime) -> Self:
        return self.alias(received=RECEIVED).filter(received__gte=start, received__lte=end)


class Heartbeat(models.Model):
    Status = HeartbeatStatus

    heartbeat_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    builder = models.ForeignKey(
        Builder, models.PROTECT, related_name="heartbeats", db_constraint=False, db_index=False
    )
    task = models.ForeignKey(
        Task,
        models.PROTECT,
        related_name="heartbeats",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    timestamp = models.DateTimeField(db_default=ContractNow())
    status = models.TextField(choices=HeartbeatStatus)
    message = models.TextField(null=True, blank=True)
    progress_percentage = models.IntegerField(null=True, blank=True)
    # Beside the contract: when the office received it (not known of old rows), and within how many
    # seconds the sender announced the next one.
    received_at = models.DateTimeField(null=True, db_default=ContractNow(), editable=False)
    next_beat_within_seconds = models.IntegerField(null=True, blank=True)

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        db_table = "heartbeats"
        constraints = [
            one_of("heartbeats", "status", HeartbeatStatus),
            percentage("heartbeats"),
            models.CheckConstraint(
                condition=models.Q(next_beat_within_seconds__range=(1, 24 * 3600)),
                name="heartbeats_next_beat_within_seconds_check",
                violation_error_message="The next heartbeat is announced within a day.",
            ),
        ]
        indexes = [
            models.Index("builder", models.F("timestamp").desc(), name="idx_heartbeats_builder"),
            models.Index("task", name="idx_heartbeats_task"),
            # Beside the contract: the newest of all.
            models.Index(models.F("timestamp").desc(), name="idx_heartbeats_newest"),
            # By receipt, as verdicts and pages order them: of a builder and of a task.
            models.Index(
                *("builder", RECEIVED.desc(), models.F("timestamp").desc()),
                name="idx_heartbeats_received",
            ),
            models.Index("task", RECEIVED.desc(), name="idx_heartbeats_task_received"),
        ]

    def __str__(self) -> str:
        return f"{self.builder_id} {self.status} at {self.timestamp:%Y-%m-%d %H:%M:%S}"

    @property
    def received(self) -> datetime:
        """Return when the office received it; of old ones, when it was sent."""
        return self.received_at or self.timestamp

    @property
    def came_late(self) -> bool:
        """Return whether it was received noticeably later, or earlier, than its sender says."""
        return bool(lag_seconds(self.received - self.timestamp))
