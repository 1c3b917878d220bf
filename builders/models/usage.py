"""What work uses: tokens and dollars, as agents count them, by the hour."""

from typing import Self

from django.db import models
from django.db.models import F, Q

from builders.models.builders import Builder
from kit.core.sql import ContractNow
from programs.models import Task, one_of


class UsageKind(models.TextChoices):
    """Kinds of tokens, none of which contains another, and the cost that an agent itself tells."""

    INPUT = "input"
    OUTPUT = "output"
    CACHE_READ = "cache_read"
    CACHE_WRITE = "cache_write"
    REASONING = "reasoning"
    TOOL = "tool"
    OTHER = "other"
    COST = "cost", "Cost"  # US dollars


class UsageSource(models.IntegerChoices):
    """Where a count is from. Of one session only that from the highest source is counted."""

    CONVENTION_EVENT = 1  # a log record of OpenTelemetry's conventions (gen_ai.*)
    AGENT_EVENT = 2  # a log record of the agent
    CONVENTION_METRIC = 3
    AGENT_METRIC = 4
    HEARTBEAT = 5


def decimal(**options) -> models.DecimalField:
    return models.DecimalField(max_digits=30, decimal_places=12, **options)


class UsageSession(models.Model):
    """A session of an agent, which may tell the same counts as metrics and in its logs."""

    usage_session_id = models.BigAutoField(primary_key=True)
    builder = models.ForeignKey(Builder, models.PROTECT, db_index=False, related_name="+")
    service = models.TextField()
    session = models.TextField()  # empty where the agent names none
    # The highest source of its tokens, and of its cost; 0 where it told none.
    tokens_from = models.IntegerField(db_default=0)
    cost_from = models.IntegerField(db_default=0)
    seen_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "usage_sessions"
        constraints = [
            models.UniqueConstraint(
                fields=["builder", "service", "session"], name="usage_sessions_one_each"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.session} of {self.builder_id}"


class UsageSeries(models.Model):
    """A series of data points, known by the digest of what identifies it."""

    usage_series_id = models.BigAutoField(primary_key=True)
    usage_session = models.ForeignKey(UsageSession, models.CASCADE, db_index=False)
    digest = models.BinaryField(max_length=32)
    is_cumulative = models.BooleanField()
    seen_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "usage_series"
        constraints = [
            models.UniqueConstraint(
                fields=["usage_session", "digest"], name="usage_series_one_each"
            ),
        ]
        indexes = [models.Index("seen_at", name="idx_usage_series_seen")]

    def __str__(self) -> str:
        return f"Series {self.pk}"


class UsagePoint(models.Model):
    """A data point that was counted, and how much it counted for.

    The times are the sender's, in nanoseconds since 1970.
    """

    pk = models.CompositePrimaryKey("usage_series", "started_ns", "at_ns")
    usage_series = models.ForeignKey(UsageSeries, models.CASCADE, db_index=False)
    started_ns = models.BigIntegerField()
    at_ns = models.BigIntegerField()
    value = decimal()
    counted = decimal()
    task_id = models.UUIDField(null=True)
    hour = models.DateTimeField()
    received_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "usage_points"
        indexes = [models.Index("received_at", name="idx_usage_points_received")]

    def __str__(self) -> str:
        return f"{self.value} of series {self.usage_series_id}"


class UsageHourQuerySet(models.QuerySet["UsageHour"]):
    def counted(self) -> Self:
        """Return the rows that are counted: of each session those from its highest source.

        What heartbeats tell is not counted beside what the agent exports itself of the same hour.
        """
        return self._of_highest_source().exclude(_told_and_exported())

    def told_twice(self) -> Self:
        """Return what heartbeats told and is not counted, because it was exported too."""
        return self._of_highest_source().filter(_told_and_exported())

    def _of_highest_source(self) -> Self:
        is_cost = Q(kind=UsageKind.COST)
        return self.filter(
            (is_cost & Q(source=F("usage_session__cost_from")))
            | (~is_cost & Q(source=F("usage_session__tokens_from")))
        )


def _told_and_exported() -> Q:
    same = {name: models.OuterRef(name) for name in ("builder", "task", "hour")}
    exported = UsageHour.objects.filter(**same).exclude(source=UsageSource.HEARTBEAT)
    return Q(models.Exists(exported), source=UsageSource.HEARTBEAT)


class UsageHour(models.Model):
    """What a builder used in an hour for a task, by model and kind."""

    Kind = UsageKind

    usage_hour_id = models.BigAutoField(primary_key=True)
    usage_session = models.ForeignKey(UsageSession, models.PROTECT, db_index=False)
    builder = models.ForeignKey(Builder, models.PROTECT, db_index=False, related_name="usage")
    task = models.ForeignKey(
        Task,
        models.PROTECT,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="usage",
    )
    model = models.TextField()  # empty where the agent names none
    kind = models.TextField(choices=UsageKind)
    source = models.IntegerField(choices=UsageSource)
    hour = models.DateTimeField()
    amount = decimal()  # tokens; of the kind `cost` US dollars
    # By the price list when it was counted: US dollars, and the tokens that it had no price for.
    estimate = decimal(db_default=0)
    unpriced = decimal(db_default=0)

    objects = UsageHourQuerySet.as_manager()

    class Meta:
        db_table = "usage_hours"
        constraints = [
            one_of("usage_hours", "kind", UsageKind),
            models.UniqueConstraint(
                fields=["usage_session", "task", "model", "kind", "source", "hour"],
                nulls_distinct=False,
                name="usage_hours_one_each",
            ),
        ]
        indexes = [
            models.Index("builder", "hour", name="idx_usage_hours_builder"),
            models.Index("task", name="idx_usage_hours_task"),
            models.Index("hour", name="idx_usage_hours_hour"),
            models.Index("model", "hour", name="idx_usage_hours_model"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.kind} of {self.builder_id}"


class UsageArrival(models.Model):
    """What was reported of an hour after it was over, by the hour in which it was received.

    A handover tells what was received in it: an hour that another has told already may grow.
    """

    pk = models.CompositePrimaryKey("usage_hour", "received_hour")
    usage_hour = models.ForeignKey(UsageHour, models.CASCADE, db_index=False)
    received_hour = models.DateTimeField()
    amount = decimal()
    estimate = decimal()

    class Meta:
        db_table = "usage_arrivals"
        indexes = [models.Index("received_hour", name="idx_usage_arrivals_received")]

    def __str__(self) -> str:
        return f"{self.amount} received at {self.received_hour}"


class UsageRemark(models.Model):
    """Something in a builder's exports that was not understood, and how often it came."""

    usage_remark_id = models.BigAutoField(primary_key=True)
    builder = models.ForeignKey(
        Builder, models.CASCADE, db_index=False, related_name="usage_remarks"
    )
    subject = models.TextField()
    reason = models.TextField()
    times = models.BigIntegerField(db_default=1)
    first_at = models.DateTimeField(db_default=ContractNow())
    last_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "usage_remarks"
        constraints = [
            models.UniqueConstraint(
                fields=["builder", "subject", "reason"], name="usage_remarks_one_each"
            ),
        ]
        indexes = [
            models.Index("builder", F("last_at").desc(), name="idx_usage_remarks_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"
