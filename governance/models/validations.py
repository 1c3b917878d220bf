"""Architecture validations (contract 1.9)."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q

from kit.core.sql import ContractNow, Grams, GramsIndex, RandomUUID
from programs.models import Task, one_of


class Readiness(models.TextChoices):
    READY = "READY", "Ready"
    NOT_READY = "NOT_READY", "Not ready"


def pass_rate_of(results: Any) -> Decimal | None:
    """Return the share of a checklist's items that passed, in percent; None without items.

    Rounded down: a rate of 100 is a full pass and nothing else.
    """
    sections = results.values() if isinstance(results, Mapping) else ()
    passed = [
        ok is True for items in sections if isinstance(items, Mapping) for ok in items.values()
    ]
    if not passed:
        return None
    return (Decimal(100) * sum(passed) / len(passed)).quantize(Decimal("0.01"), ROUND_DOWN)


# What a checklist says, which a search finds it by.
CHECKLIST_TEXT = models.Func(
    "validation_results", function="governance_checklist_text", output_field=models.TextField()
)


class ArchitectureValidation(models.Model):
    Readiness = Readiness

    validation_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="validations", db_constraint=False, db_index=False
    )
    architecture_reference = models.TextField()
    validation_results = models.JSONField()
    pass_rate = models.DecimalField(max_digits=5, decimal_places=2)
    build_readiness = models.TextField(choices=Readiness)
    validated_at = models.DateTimeField(db_default=ContractNow())
    validated_by = models.TextField(db_default="foreman")
    # Beside the contract: a number, set by a trigger, that keeps the order of one moment.
    recorded = models.BigIntegerField(null=True, editable=False)

    class Meta:
        db_table = "architecture_validations"
        constraints = [
            models.CheckConstraint(
                condition=Q(pass_rate__range=(0, 100)),
                name="architecture_validations_pass_rate_check",
                violation_error_message="pass_rate must be between 0 and 100.",
            ),
            one_of("architecture_validations", "build_readiness", Readiness),
            # The contract leaves READY undefined: it is exactly a full pass.
            models.CheckConstraint(
                condition=Q(build_readiness="READY", pass_rate=100)
                | Q(build_readiness="NOT_READY", pass_rate__lt=100),
                name="architecture_validations_ready_means_all",
                violation_error_message="READY means a pass rate of 100, and nothing else does.",
            ),
        ]
        indexes = [
            models.Index("task", name="idx_arch_validations_task"),
            # Beside the contract: the newest, and what became of each.
            models.Index(
                F("validated_at").desc(),
                F("validation_id").desc(),
                name="idx_arch_validations_newest",
            ),
            models.Index(
                fields=["-validated_at", "-validation_id"],
                include=["build_readiness"],
                name="idx_arch_validations_ready",
            ),
            GramsIndex(Grams(CHECKLIST_TEXT), name="idx_arch_validations_grams"),
        ]

    def __str__(self) -> str:
        return f"{self.get_build_readiness_display()}, {self.pass_rate} %"

    @property
    def sections(self) -> list[tuple[str, list[tuple[str, bool]]]]:
        """Return the checklist section by section, failed items first; some have a score alone."""
        results = self.validation_results
        return [
            (section, sorted(items.items(), key=lambda item: item[1] is True))
            for section, items in (results.items() if isinstance(results, dict) else ())
            if isinstance(items, dict)
        ]

    @property
    def not_passed(self) -> list[str]:
        return [item for _, items in self.sections for item, passed in items if passed is not True]
