"""Forms that were sent, so that one sent twice is executed once."""

from django.conf import settings
from django.db import models

from kit.core.sql import ContractNow


class SentForm(models.Model):
    """A form that a person sent from a page, and its answer, which a repetition gets again."""

    pk = models.CompositePrimaryKey("user", "digest")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, "+", db_index=False)
    digest = models.BinaryField(max_length=32)
    # None while the act is under way, which no other transaction sees.
    status = models.IntegerField(null=True)
    headers = models.JSONField(db_default={})
    body = models.TextField(null=True)  # None of an answer that is shown once
    created_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "sent_forms"
        indexes = [
            models.Index("created_at", name="idx_sent_forms_created"),
        ]

    def __str__(self) -> str:
        return f"a form of {self.user}, answered {self.status}"
