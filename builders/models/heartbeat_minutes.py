"""Heartbeats by the minute, so that no page reads all of them."""

from django.db import models

from builders.models.builders import Builder
from programs.models import Task


class HeartbeatMinute(models.Model):
    """What a builder sent about a task, or about none, in one minute. Beside the contract.

    A minute is that of the receipt; of old heartbeats, of their own time. Triggers keep it
    (builders_keep_minutes); nobody else writes it.
    """

    heartbeat_minute_id = models.BigAutoField(primary_key=True)
    builder = models.ForeignKey(
        Builder,
        models.DO_NOTHING,
        related_name="heartbeat_minutes",
        db_constraint=False,
        db_index=False,
    )
    task = models.ForeignKey(
        *(Task, models.DO_NOTHING),
        related_name="heartbeat_minutes",
        null=True,
        db_constraint=False,
        db_index=False,
    )
    minute = models.DateTimeField()
    beats = models.IntegerField()
    idle = models.IntegerField()
    blocked = models.IntegerField()
    progress = models.IntegerField(null=True)  # the highest
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    # Within how many seconds the last one announced the next; of several, the longest.
    last_announced_seconds = models.IntegerField(null=True)

    class Meta:
        db_table = "heartbeat_minutes"
        constraints = [
            models.UniqueConstraint(
                fields=["builder", "minute", "task"],
                name="heartbeat_minutes_one_each",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index("task", "minute", name="idx_heartbeat_minutes_task"),
        ]

    def __str__(self) -> str:
        return f"{self.builder_id}: {self.beats} at {self.minute:%Y-%m-%d %H:%M}"
