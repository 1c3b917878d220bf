"""The processes that sweep for stalls."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from kit.core.sql import ContractNow, RandomUUID


class WatcherQuerySet(models.QuerySet):
    def alive(self):
        """Return the watchers whose last sweep is younger than three of their periods."""
        return self.filter(left_at=None, swept_at__gt=Now() - F("period") * 3)


class Watcher(models.Model):
    """A process that sweeps for stalls. One that stopped has `left_at`."""

    watcher_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    host = models.TextField()
    pid = models.IntegerField()
    period = models.DurationField()
    started_at = models.DateTimeField(db_default=ContractNow())
    swept_at = models.DateTimeField(db_default=ContractNow())
    pruned_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    sweeps = models.BigIntegerField(db_default=0)
    stalls = models.BigIntegerField(db_default=0)

    objects = WatcherQuerySet.as_manager()

    class Meta:
        db_table = "watchers"
        constraints = [
            models.CheckConstraint(
                condition=Q(period__gt=timedelta(0)), name="watchers_period_check"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"
