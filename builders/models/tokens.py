"""Tokens of builders and of CI systems."""

import uuid
from datetime import datetime

from django.db import models
from django.utils.timezone import now

from builders.models.builders import Builder
from kit.core.acts import FOREMAN
from kit.core.sql import ContractNow, RandomUUID
from programs.models import Organisation


class BuilderTokenQuerySet(models.QuerySet):
    def valid(self):
        return self.filter(revoked_at=None)


class BuilderToken(models.Model):
    """A secret of one builder. Only its SHA-256 is kept, and a prefix to recognise it by."""

    token_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    builder = models.ForeignKey(Builder, models.CASCADE, related_name="tokens", db_index=False)
    # For whose tasks it is; NULL: for those of the whole office. It stays.
    # (The foreign key is there: the migration makes it without reading the table.)
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        related_name="builder_tokens",
        null=True,
        editable=False,
        db_constraint=False,
        db_index=False,
    )
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
            models.Index("organisation", name="idx_builder_tokens_org"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.builder_id}"


class CITokenQuerySet(models.QuerySet):
    def valid(self, at: datetime | None = None):
        unended = models.Q(ends_at=None) | models.Q(ends_at__gt=at or now())
        return self.filter(unended, revoked_at=None)


class CIToken(models.Model):
    """A secret of a CI system or of a foreman's script, which may report and read tasks.

    Only its SHA-256 is kept, and a prefix to recognise it by.
    """

    token_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    name = models.TextField()
    # The ids of the programs that it is for; NULL: all of them.
    program_ids = models.JSONField(null=True, blank=True)
    # For whose programs it is; NULL: for those of the whole office. It stays.
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        related_name="ci_tokens",
        null=True,
        editable=False,
        db_constraint=False,
        db_index=False,
    )
    prefix = models.TextField(editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    ends_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = CITokenQuerySet.as_manager()

    class Meta:
        db_table = "ci_tokens"
        verbose_name = "CI token"
        indexes = [models.Index("organisation", name="idx_ci_tokens_org")]
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="ci_tokens_digest_key"),
            models.CheckConstraint(
                condition=models.Q(name__regex=r"\S"),
                name="ci_tokens_name_check",
                violation_error_message="A CI token needs a name.",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("created_at")),
                name="ci_tokens_ends_at_check",
                violation_error_message="A CI token ends after it is issued.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.name}"

    @property
    def actor_name(self) -> str:
        """Return the actor of its reports in the evidence: the foreman."""
        return FOREMAN

    @property
    def actor_context(self) -> dict[str, str]:
        """Return what the evidence keeps of who reported."""
        return {"ci_token": self.name}

    @property
    def is_valid(self) -> bool:
        return self.revoked_at is None and (self.ends_at is None or self.ends_at > now())

    def is_for(self, program_id: uuid.UUID) -> bool:
        """Return whether it may report about the tasks of a program."""
        return self.program_ids is None or str(program_id) in self.program_ids
