"""Times in which a builder need not send heartbeats."""

from datetime import datetime

from django.db import models
from django.utils.timezone import now

from builders.models.builders import Builder
from kit.core.sql import ContractNow, RandomUUID


class BuilderPauseQuerySet(models.QuerySet):
    def running(self, at: datetime | None = None):
        """Return the pauses that have begun and have not ended, neither by hand nor by time."""
        at = at or now()
        return self.filter(started_at__lte=at, ended_at=None, ends_at__gt=at)


class BuilderPause(models.Model):
    """A time in which a builder need not send heartbeats; it ends by itself or earlier by hand."""

    pause_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    builder = models.ForeignKey(Builder, models.CASCADE, related_name="pauses", db_index=False)
    reason = models.TextField()
    started_at = models.DateTimeField(db_default=ContractNow())
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = BuilderPauseQuerySet.as_manager()

    class Meta:
        db_table = "builder_pauses"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reason__regex=r"\S"),
                name="builder_pauses_reason_check",
                violation_error_message="A pause needs a reason.",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("started_at")),
                name="builder_pauses_ends_at_check",
                violation_error_message="A pause ends after it begins.",
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at=None)
                | models.Q(ended_at__range=(models.F("started_at"), models.F("ends_at"))),
                name="builder_pauses_ended_at_check",
                violation_error_message="A pause is over within its own time.",
            ),
            models.UniqueConstraint(
                fields=["builder"],
                condition=models.Q(ended_at=None),
                name="builder_pauses_one_per_builder",
                violation_error_message="The builder is paused already.",
            ),
        ]
        indexes = [
            models.Index("builder", "ends_at", name="idx_builder_pauses_builder"),
        ]

    def __str__(self) -> str:
        return f"{self.builder_id} until {self.ends_at:%Y-%m-%d %H:%M}: {self.reason}"
