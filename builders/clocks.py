"""How long a step may last, and when a sender's clock counts as wrong."""

from datetime import timedelta

from django.conf import settings

LONGEST_STEP = timedelta(hours=1)  # what an announcement is capped at: SQL's builders_threshold()
LEAST_LAG = 2  # seconds: below, it is the heartbeat's way to the office


def until_next(announced: int | None) -> timedelta:
    """Return within which time the next heartbeat is due after one that announced this."""
    if announced is None:
        return timedelta(seconds=settings.FOREMAN_HEARTBEAT_INTERVAL_SECONDS)
    return min(timedelta(seconds=announced), LONGEST_STEP)


def lag_seconds(lag: timedelta | None) -> int:
    """Return by how many whole seconds a clock is behind the office's; 0 if it is right."""
    seconds = round(lag.total_seconds()) if lag else 0
    return seconds if abs(seconds) >= LEAST_LAG else 0
