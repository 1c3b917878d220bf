"""The office's own log: what is about people and their rights, and so about no part of the plan."""

from django.db import models
from django.db.models import F

from kit.core.sql import ContractNow


class OfficeLogEntry(models.Model):
    """A change of users, groups and rights, or a login. Beside the contract.

    Triggers write what changed (`witnessed`); the office tells what happens in no table, such as
    logins. Nobody else adds a row, and nobody changes or removes one.
    """

    sequence = models.BigAutoField(primary_key=True)
    timestamp = models.DateTimeField(db_default=ContractNow(), editable=False)
    action = models.TextField()
    actor = models.TextField()
    username = models.TextField(null=True)  # of the person who did it, where one is known
    subject_kind = models.TextField()  # what it was done to: user, group
    subject_name = models.TextField()
    context = models.JSONField(db_default={})
    witnessed = models.BooleanField(db_default=False)

    class Meta:
        db_table = "office_log"
        verbose_name = "entry of the office log"
        verbose_name_plural = "office log"
        indexes = [
            models.Index("action", F("timestamp").desc(), name="idx_office_log_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_name}"
