"""How long measurements are kept: heartbeats, and the points of which usage was counted.

Evidence is kept for ever, and so is what an hour used.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from builders.models import AgentStop, Builder, CIIdempotencyKey, Heartbeat, IdempotencyKey
from builders.models.heartbeats import RECEIVED
from kit.core.sql import ContractNow

# What the verdict on a builder looks back upon is never removed, however old.
KEPT_BEATS = 10
BATCH = 5000
# Of answers to requests that were sent with a key; promised is a day.
KEYS_KEPT_FOR = timedelta(days=1)
# A session of an agent may be resumed after days.
STOPS_KEPT_FOR = timedelta(days=30)

# A point that is sent again is known for this long; a cumulative series goes on for a year.
POINTS_KEPT_FOR = timedelta(days=8)
SERIES_KEPT_FOR = timedelta(days=400)
OLD_POINTS = """
DELETE FROM usage_points WHERE ctid = ANY (ARRAY(
    SELECT point.ctid FROM usage_points AS point JOIN usage_series USING (usage_series_id)
    WHERE received_at < now() - %(kept)s
        AND (NOT is_cumulative OR received_at < now() - %(series)s OR EXISTS (
            SELECT FROM usage_points AS newer
            WHERE newer.usage_series_id = point.usage_series_id
                AND newer.started_ns = point.started_ns AND newer.at_ns > point.at_ns
        ))
    LIMIT %(batch)s
))
"""


def retention() -> timedelta:
    return timedelta(days=settings.FOREMAN_HEARTBEAT_RETENTION_DAYS)


def old_heartbeats(builder: Builder, older_than: timedelta) -> QuerySet[Heartbeat]:
    """Return the builder's heartbeats that nothing needs any more."""
    beats = builder.heartbeats.annotate(received=RECEIVED)
    newest = builder.heartbeats.newest_first().values(moment=RECEIVED)
    return beats.filter(received__lt=ContractNow() - older_than).filter(
        received__lt=newest[KEPT_BEATS - 1 : KEPT_BEATS]
    )


def count_old_heartbeats(older_than: timedelta) -> int:
    return sum(old_heartbeats(builder, older_than).count() for builder in Builder.objects.all())


def prune_heartbeats(older_than: timedelta, batch: int = BATCH) -> Iterator[int]:
    """Delete old heartbeats, a batch and a transaction at a time; yield the size of each batch.

    The caller decides when to go on, and can do other things in between.
    """
    for builder in Builder.objects.all():
        more = True
        while more:
            old = old_heartbeats(builder, older_than)
            # Cut by receipt, which the index knows; a batch grows by what shares its last moment.
            times = old.order_by("received").values_list("received", flat=True)
            more = bool(end := times[batch - 1 : batch])
            removed, _ = (old.filter(received__lte=end[0]) if more else old).delete()
            if removed:
                yield removed


def prune_idempotency_keys(older_than: timedelta = KEYS_KEPT_FOR) -> int:
    """Delete old idempotency keys, and return how many there were."""
    older = ContractNow() - older_than
    return sum(
        keys.objects.filter(created_at__lt=older).delete()[0]
        for keys in (IdempotencyKey, CIIdempotencyKey)
    )


def prune_agent_stops(older_than: timedelta = STOPS_KEPT_FOR) -> int:
    """Delete what was counted of sessions of agents that are long over."""
    old = AgentStop.objects.filter(changed_at__lt=ContractNow() - older_than)
    return old.delete()[0]


def prune_usage(batch: int = BATCH) -> int:
    """Delete points of usage that nothing is compared with any more; return how many there were.

    Of a cumulative series the newest point stays, from which it counts on.
    """
    removed = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                OLD_POINTS, {"kept": POINTS_KEPT_FOR, "series": SERIES_KEPT_FOR, "batch": batch}
            )
            removed += cursor.rowcount
            if cursor.rowcount < batch:
                break
        cursor.execute(
            "DELETE FROM usage_series AS old WHERE seen_at < now() - %s AND NOT EXISTS"
            " (SELECT FROM usage_points WHERE usage_series_id = old.usage_series_id)",
            [SERIES_KEPT_FOR],
        )
    return removed
