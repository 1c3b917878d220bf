"""Blockers (contract 1.5)."""

from django.db import models
from django.db.models import Q

from governance.models.detection_indexes import detection_indexes
from governance.models.entity_filters import about, within
from kit.core.sql import ContractNow, Grams, GramsIndex, Lines, RandomUUID
from programs.models import not_before, one_of


class BlockedEntity(models.TextChoices):
    PROGRAM = "program"
    WAVE = "wave"
    TASK = "task"


class Classification(models.TextChoices):
    ARCHITECTURE_QA_MISMATCH = "architecture_qa_mismatch", "Architecture and QA disagree"
    IMPOSSIBLE_REQUIREMENTS = "impossible_requirements", "Impossible requirements"
    PROTECTED_PATH = "protected_path", "Protected path"
    REPEATED_FAILURES = "repeated_failures", "Repeated failures"
    CONSTITUTIONAL_VIOLATION = "constitutional_violation", "Constitutional violation"
    BUILDER_STALL = "builder_stall", "Builder stall"


class BlockerQuerySet(models.QuerySet):
    def open(self):
        return self.filter(resolved_at=None)

    def within(self, entity):
        """Return the blockers of a program, wave or task and of everything inside it."""
        return self.filter(within(entity))

    def of(self, entity):
        """Return the blockers of one program, wave or task."""
        return self.filter(about(entity))


class Blocker(models.Model):
    Entity = BlockedEntity
    Classification = Classification

    blocker_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    entity_type = models.TextField(choices=BlockedEntity)
    entity_id = models.UUIDField()
    classification = models.TextField(choices=Classification)
    description = models.TextField()
    detected_at = models.DateTimeField(db_default=ContractNow())
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution_action = models.TextField(null=True, blank=True)
    # Beside the contract: how often the same trouble came.
    occurrences = models.IntegerField(db_default=1, editable=False)

    objects = BlockerQuerySet.as_manager()

    class Meta:
        db_table = "blockers"
        constraints = [
            one_of("blockers", "entity_type", BlockedEntity),
            one_of("blockers", "classification", Classification),
            models.UniqueConstraint(
                fields=["entity_type", "entity_id", "classification"],
                condition=Q(resolved_at=None),
                name="blockers_one_open_per_entity_and_classification",
                violation_error_message="This is already open as a blocker.",
            ),
            not_before("blockers", "resolved_at", "detected_at"),
        ]
        indexes = [
            models.Index("entity_type", "entity_id", name="idx_blockers_entity"),
            models.Index(
                "resolved_at", name="idx_blockers_unresolved", condition=Q(resolved_at=None)
            ),
            *detection_indexes("blockers", "blocker_id"),
            GramsIndex(Grams(Lines("description", "resolution_action")), name="idx_blockers_grams"),
        ]

    def __str__(self) -> str:
        return f"{self.get_classification_display()} on a {self.entity_type}"
