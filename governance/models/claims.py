"""Completion claims of builders."""

from django.db import models
from django.db.models import F, Q

from builders.models import Builder
from kit.core.sql import ContractNow, RandomUUID
from programs.models import Task


class CompletionClaim(models.Model):
    """A builder said "done": when, and what the gate answered then. Beside the contract.

    The answer is kept as it was given; whether the task could be completed now is computed when it
    is read.
    """

    claim_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="claims", db_constraint=False, db_index=False
    )
    builder = models.ForeignKey(
        Builder, models.PROTECT, related_name="claims", db_constraint=False, db_index=False
    )
    claimed_at = models.DateTimeField(db_default=ContractNow())
    accepted = models.BooleanField()
    conditions = models.JSONField(db_default=[])

    class Meta:
        db_table = "completion_claims"
        indexes = [
            models.Index("task", F("claimed_at").desc(), name="idx_claims_task"),
            models.Index("builder", F("claimed_at").desc(), name="idx_claims_builder"),
            models.Index(
                F("claimed_at").desc(), name="idx_claims_refused", condition=Q(accepted=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.builder_id}: {'done' if self.accepted else 'not done'}"
