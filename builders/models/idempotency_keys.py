"""Answers to requests with an idempotency key, kept to be repeated."""

from django.db import models

from builders.models.builders import Builder
from builders.models.tokens import CIToken
from kit.core.sql import ContractNow


class AnsweredRequest(models.Model):
    """A request with an idempotency key and its answer, which a repetition gets again."""

    key = models.TextField()
    request_digest = models.BinaryField(max_length=32)
    # None while the act is under way, which no other transaction sees.
    status = models.IntegerField(null=True)
    body = models.TextField(null=True)
    created_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        abstract = True


class CIIdempotencyKey(AnsweredRequest):
    pk = models.CompositePrimaryKey("token", "key")
    token = models.ForeignKey(
        CIToken, models.CASCADE, related_name="idempotency_keys", db_index=False
    )

    class Meta:
        db_table = "ci_idempotency_keys"
        indexes = [
            models.Index("created_at", name="idx_ci_idempotency_created"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.token_id}"


class IdempotencyKey(AnsweredRequest):
    pk = models.CompositePrimaryKey("builder", "key")
    builder = models.ForeignKey(
        Builder, models.CASCADE, related_name="idempotency_keys", db_index=False
    )

    class Meta:
        db_table = "idempotency_keys"
        indexes = [
            models.Index("created_at", name="idx_idempotency_keys_created"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.builder_id}"
