"""The work: five builders, their heartbeats and their tokens (contract sections 1.4 and 1.6)."""

import hashlib
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.kit.sql import ContractNow, RandomUUID
from programs.models import BuilderName, Task, one_of, percentage


def silence_threshold() -> timedelta:
    """Return how long a builder with a task in hand may be unheard before it is silent."""
    return timedelta(seconds=settings.FOREMAN_SILENCE_THRESHOLD_SECONDS)


class Backend(models.TextChoices):
    LOCAL = "local"
    HOSTED = "hosted"
    BURST = "burst"


class BuilderState(models.TextChoices):
    IDLE = "idle"
    ACTIVE = "active"
    BLOCKED = "blocked"
    FAILED = "failed"


class HeartbeatStatus(models.TextChoices):
    ACTIVE = "active"
    IDLE = "idle"
    BLOCKED = "blocked"


class Verdict(models.TextChoices):
    """What a builder's silence or speech means; computed when read, by SQL's builders_verdict()."""

    NEVER_HEARD = "never-heard"
    IDLE = "idle"
    WORKING = "working"
    WAITING = "waiting"  # it says that it is blocked
    SPINNING = "spinning"  # ten beats on its task that say the same
    SILENT = "silent"
    PAUSED = "paused"


def verdict(at: datetime | None = None) -> models.Func:
    threshold = models.Value(silence_threshold(), models.DurationField())
    return models.Func(
        "pk",
        threshold,
        moment(at),
        function="builders_verdict",
        output_field=models.TextField(choices=Verdict),
    )


def moment(at: datetime | None) -> models.Expression:
    return ContractNow() if at is None else models.Value(at, models.DateTimeField())


class BuilderQuerySet(models.QuerySet):
    def with_verdicts(self, at: datetime | None = None):
        """Annotate what the builders' silence or speech means, at a moment or now.

        `verdict`        one of `Verdict`
        `verdict_since`  since when that holds
        `pulse`          when the builder was last heard, None for never
        `progressed_at`  the last change that counts on the task in hand, or when it was given:
                         progress, or more tests passing than ever; None with empty hands
        """
        time = models.DateTimeField()
        return self.annotate(
            verdict=verdict(at),
            verdict_since=models.Func(
                "pk", verdict(at), moment(at), function="builders_verdict_since", output_field=time
            ),
            pulse=models.Func("pk", function="builders_pulse", output_field=time),
            progressed_at=models.Func("pk", function="builders_progressed_at", output_field=time),
        )

    def silent(self, at: datetime | None = None):
        """Builders with a task in hand and no sign of life within the threshold."""
        return self.with_verdicts(at).filter(current_task__isnull=False, verdict=Verdict.SILENT)


class Builder(models.Model):
    State = BuilderState
    Backend = Backend

    builder_id = models.TextField(primary_key=True, choices=BuilderName)
    backend_type = models.TextField(choices=Backend)
    current_task = models.ForeignKey(
        Task,
        models.RESTRICT,
        related_name="holders",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    state = models.TextField(choices=BuilderState)
    last_heartbeat = models.DateTimeField(db_default=ContractNow(), editable=False)
    provenance = models.JSONField(db_default={}, blank=True)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    updated_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    # Beside the contract, kept by a trigger: since when it is in its state, and has its task.
    state_since = models.DateTimeField(db_default=ContractNow(), editable=False)
    assigned_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = BuilderQuerySet.as_manager()

    class Meta:
        db_table = "builders"
        ordering = ["builder_id"]
        constraints = [
            one_of("builders", "builder_id", BuilderName),
            one_of("builders", "backend_type", Backend),
            one_of("builders", "state", BuilderState),
            # One to one: two builders never hold one task.
            models.UniqueConstraint(
                fields=["current_task"],
                name="idx_builders_current_task",
                violation_error_message="Another builder holds this task.",
            ),
        ]
        indexes = [
            models.Index("state", name="idx_builders_state"),
            models.Index("last_heartbeat", name="idx_builders_heartbeat"),
        ]

    def __str__(self) -> str:
        return self.builder_id

    def get_absolute_url(self) -> str:
        return reverse("builders:builder", args=[self.pk])

    @property
    def entity_id(self) -> uuid.UUID:
        """The builder's id in the evidence trail: SQL's `builder_entity_id(builder_id)`."""
        digest = hashlib.md5(f"builder:{self.builder_id}".encode(), usedforsecurity=False)
        return uuid.UUID(bytes=digest.digest())

    @property
    def actor_name(self) -> str:
        """The name under which the builder stands in the evidence."""
        return self.builder_id

    @property
    def short_name(self) -> str:
        return BuilderName(self.builder_id).short


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

    class Meta:
        db_table = "heartbeats"
        constraints = [
            one_of("heartbeats", "status", HeartbeatStatus),
            percentage("heartbeats"),
        ]
        indexes = [
            models.Index("builder", models.F("timestamp").desc(), name="idx_heartbeats_builder"),
            models.Index("task", name="idx_heartbeats_task"),
            # Beside the contract: the newest of all and of a task.
            models.Index(models.F("timestamp").desc(), name="idx_heartbeats_newest"),
            models.Index("task", models.F("timestamp").desc(), name="idx_heartbeats_task_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.builder_id} {self.status} at {self.timestamp:%Y-%m-%d %H:%M:%S}"


class BuilderPauseQuerySet(models.QuerySet):
    def running(self, at: datetime | None = None):
        """Pauses that have begun and are over neither by hand nor by time."""
        at = at or now()
        return self.filter(started_at__lte=at, ended_at=None, ends_at__gt=at)


class BuilderPause(models.Model):
    """A time in which a builder need not be heard. It ends by itself, or before that by hand."""

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


class BuilderTokenQuerySet(models.QuerySet):
    def valid(self):
        return self.filter(revoked_at=None)


class BuilderToken(models.Model):
    """A secret of one builder. Only its SHA-256 is kept, and a prefix to recognise it by."""

    token_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    builder = models.ForeignKey(Builder, models.CASCADE, related_name="tokens", db_index=False)
    prefix = models.TextField(editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = BuilderTokenQuerySet.as_manager()

    class Meta:
        db_table = "builder_tokens"
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="builder_tokens_digest_key"),
        ]
        indexes = [
            models.Index("builder", name="idx_builder_tokens_builder"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.builder_id}"


class IdempotencyKey(models.Model):
    """What a builder asked under a key of its choice, and was answered, to be said again."""

    pk = models.CompositePrimaryKey("builder", "key")
    builder = models.ForeignKey(
        Builder, models.CASCADE, related_name="idempotency_keys", db_index=False
    )
    key = models.TextField()
    request_digest = models.BinaryField(max_length=32)
    # None while the act is under way, which nobody else sees.
    status = models.IntegerField(null=True)
    body = models.TextField(null=True)
    created_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "idempotency_keys"
        indexes = [
            models.Index("created_at", name="idx_idempotency_keys_created"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.builder_id}"
