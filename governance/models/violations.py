"""Governance violations (contract 1.8)."""

from django.db import models
from django.db.models import Q

from builders.models import Builder
from governance.models.detection_indexes import detection_indexes
from kit.core.sql import ContractNow, Grams, GramsIndex, Lines, RandomUUID
from programs.models import Task, not_before


class GovernanceViolationQuerySet(models.QuerySet):
    def unresolved(self):
        return self.filter(resolved_at=None)


class GovernanceViolation(models.Model):
    violation_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    task = models.ForeignKey(
        Task,
        models.PROTECT,
        related_name="violations",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    builder = models.ForeignKey(
        Builder,
        models.PROTECT,
        related_name="violations",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    violation_type = models.TextField()
    description = models.TextField()
    detected_at = models.DateTimeField(db_default=ContractNow())
    resolution = models.TextField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = GovernanceViolationQuerySet.as_manager()

    class Meta:
        db_table = "governance_violations"
        constraints = [not_before("governance_violations", "resolved_at", "detected_at")]
        indexes = [
            models.Index("task", name="idx_violations_task"),
            models.Index("builder", name="idx_violations_builder"),
            models.Index(
                "resolved_at", name="idx_violations_unresolved", condition=Q(resolved_at=None)
            ),
            *detection_indexes("violations", "violation_id"),
            GramsIndex(
                Grams(Lines("violation_type", "description", "resolution")),
                name="idx_violations_grams",
            ),
        ]

    def __str__(self) -> str:
        return self.violation_type
