"""Keys of badges: whoever has one reads the state of a program or a builder, and nothing else."""

from django.db import models
from django.db.models import Q

from builders.models.builders import Builder
from kit.core.sql import ContractNow, RandomUUID
from programs.models import Program


class BadgeKey(models.Model):
    """The key of a program's or a builder's badge. Only its SHA-256 is kept, and a prefix."""

    key_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    program = models.ForeignKey(Program, models.CASCADE, null=True, related_name="badge_keys")
    builder = models.ForeignKey(Builder, models.CASCADE, null=True, related_name="badge_keys")
    prefix = models.TextField(editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "badge_keys"
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="badge_keys_digest_key"),
            models.CheckConstraint(
                condition=Q(program=None) ^ Q(builder=None),
                name="badge_keys_about_check",
                violation_error_message="A badge is of a program or of a builder.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.program or self.builder}"
