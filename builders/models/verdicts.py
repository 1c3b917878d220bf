"""The verdict on a builder, as SQL's builders_verdict() computes it when it is read."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models

from kit.core.sql import ContractNow


def silence_threshold() -> timedelta:
    """Return how long a builder with a task may be unheard before it is silent."""
    return timedelta(seconds=settings.FOREMAN_SILENCE_THRESHOLD_SECONDS)


class Verdict(models.TextChoices):
    """The verdicts on a builder; computed when read, by SQL's builders_verdict()."""

    NEVER_HEARD = "never-heard"
    IDLE = "idle"  # heard, not paused, without a task
    STARTING = "starting"  # assigned less than the threshold ago, and not begun
    WORKING = "working"
    WAITING = "waiting"  # it says that it is blocked
    SPINNING = "spinning"  # ten beats on its task that say the same
    NOT_BEGUN = "not-begun"  # heard, and its task is still assigned after the threshold
    IDLE_WITH_WORK = "idle-with-work"  # says that it is idle, with a task in progress
    BUSY_ELSEWHERE = "busy-elsewhere"  # heard, and not about its task for the threshold
    PARENT_BLOCKED = "parent-blocked"  # works under a blocked wave or program
    SILENT = "silent"
    PAUSED = "paused"


def verdict_expression(at: datetime | None = None) -> models.Func:
    """Return builders_verdict() of a row of builders, at a moment or now."""
    threshold = models.Value(silence_threshold(), models.DurationField())
    return models.Func(
        "pk",
        threshold,
        moment_expression(at),
        function="builders_verdict",
        output_field=models.TextField(choices=Verdict),
    )


def moment_expression(at: datetime | None) -> models.Expression:
    """Return a moment as SQL knows it; the time of the statement for None."""
    return ContractNow() if at is None else models.Value(at, models.DateTimeField())
