"""How long heartbeats are kept. Evidence is for ever; heartbeats are measurements."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet

from builders.models import Builder, Heartbeat
from foreman_office.kit.sql import ContractNow

# What the verdict on a builder looks back upon is never removed, however old.
KEPT_BEATS = 10
BATCH = 5000


def retention() -> timedelta:
    return timedelta(days=settings.FOREMAN_HEARTBEAT_RETENTION_DAYS)


def old_heartbeats(builder: Builder, older_than: timedelta) -> QuerySet[Heartbeat]:
    """Ask for the builder's beats that nothing needs any more."""
    newest = builder.heartbeats.order_by("-timestamp").values("timestamp")
    return builder.heartbeats.filter(timestamp__lt=ContractNow() - older_than).filter(
        timestamp__lt=newest[KEPT_BEATS - 1 : KEPT_BEATS]
    )


def count_old_heartbeats(older_than: timedelta) -> int:
    return sum(old_heartbeats(builder, older_than).count() for builder in Builder.objects.all())


def prune_heartbeats(older_than: timedelta, batch: int = BATCH) -> Iterator[int]:
    """Remove old beats, a batch and a transaction at a time; give the number of each batch.

    The caller decides when to go on, and can do other things in between.
    """
    for builder in Builder.objects.all():
        more = True
        while more:
            old = old_heartbeats(builder, older_than)
            # Cut by time, which the index knows; a batch grows by what shares its last moment.
            times = old.order_by("timestamp").values_list("timestamp", flat=True)
            more = bool(end := times[batch - 1 : batch])
            removed, _ = (old.filter(timestamp__lte=end[0]) if more else old).delete()
            if removed:
                yield removed
