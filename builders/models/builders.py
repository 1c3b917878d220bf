"""The five builders (contract 1.4)."""

import hashlib
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse

from builders.clocks import LONGEST_STEP, lag_seconds, until_next
from builders.models.verdicts import Verdict, moment_expression, verdict_expression
from kit.core.sql import ContractNow
from programs.models import BuilderName, Task, one_of


class Backend(models.TextChoices):
    LOCAL = "local"
    HOSTED = "hosted"
    BURST = "burst"


class BuilderState(models.TextChoices):
    IDLE = "idle"
    ACTIVE = "active"
    BLOCKED = "blocked"
    FAILED = "failed"


class BuilderQuerySet(models.QuerySet):
    def with_verdicts(self, at: datetime | None = None):
        """Annotate builders_verdict() of each builder, at a moment or now.

        `verdict`        one of `Verdict`
        `verdict_since`  since when that holds
        `pulse`          when the builder was last heard, None for never
        `progressed_at`  the last change that counts on the assigned task, or its assignment:
                         progress, or more tests passing than ever; None without a task
        """
        time = models.DateTimeField()
        return self.annotate(
            verdict=verdict_expression(at),
            verdict_since=models.Func(
                "pk",
                verdict_expression(at),
                moment_expression(at),
                function="builders_verdict_since",
                output_field=time,
            ),
            pulse=models.Func("pk", function="builders_pulse", output_field=time),
            progressed_at=models.Func("pk", function="builders_progressed_at", output_field=time),
        )

    def idle(self):
        """Return the builders that were heard, are not paused and have no task."""
        return self.alias(verdict=verdict_expression()).filter(
            current_task__isnull=True, verdict=Verdict.IDLE
        )

    def silent(self, at: datetime | None = None):
        """Return the builders with an assigned task and no sign of life within the threshold."""
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
    # Beside the contract: when the office last received a sign of life (`last_heartbeat` is never
    # later); when the last heartbeat was applied that the office stamped itself; the sender's time
    # and lag of the last other one; how long a step the last heartbeat announced; and the
    # builder's own silence threshold, instead of the setting.
    heard_at = models.DateTimeField(null=True, blank=True, editable=False)
    stamped_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    clock_lag = models.DurationField(null=True, blank=True, editable=False)
    announced_seconds = models.IntegerField(null=True, blank=True, editable=False)
    silence_threshold_seconds = models.IntegerField(
        null=True,
        blank=True,
        help_text="Seconds without a heartbeat until the builder is silent; empty: the setting.",
    )

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
            models.CheckConstraint(
                condition=models.Q(silence_threshold_seconds__range=(2, 7 * 24 * 3600)),
                name="builders_silence_threshold_seconds_check",
                violation_error_message="A silence threshold is 2 seconds to 7 days.",
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
    def next_due_at(self) -> datetime | None:
        """Return when the next heartbeat is due; None for a builder that was never heard."""
        return self.heard_at and self.heard_at + until_next(self.announced_seconds)

    @property
    def threshold_seconds(self) -> int:
        """Return how long it may be unheard with a task: SQL's builders_threshold()."""
        own = self.silence_threshold_seconds or settings.FOREMAN_SILENCE_THRESHOLD_SECONDS
        announced = min(self.announced_seconds or 0, int(LONGEST_STEP.total_seconds()))
        return max(own, announced)

    @property
    def clock_words(self) -> str:
        """Return what is wrong with the builder's clock, by its last heartbeat with a time."""
        seconds = lag_seconds(self.clock_lag)
        if not seconds:
            return ""
        return f"Its clock is {abs(seconds)} s {'behind' if seconds > 0 else 'ahead'}."

    @property
    def status_words(self) -> str:
        """Return that a builder reports work and has no task; empty otherwise."""
        if self.current_task_id or self.state not in (BuilderState.ACTIVE, BuilderState.BLOCKED):
            return ""
        return f"Its last heartbeat says that it is {self.state}; it has no task."

    @property
    def entity_id(self) -> uuid.UUID:
        """Return the builder's id in the evidence: SQL's `builder_entity_id(builder_id)`."""
        digest = hashlib.md5(f"builder:{self.builder_id}".encode(), usedforsecurity=False)
        return uuid.UUID(bytes=digest.digest())

    @property
    def actor_name(self) -> str:
        """Return the name of the builder as an actor in the evidence."""
        return self.builder_id

    @property
    def short_name(self) -> str:
        return BuilderName(self.builder_id).short
