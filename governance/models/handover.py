"""How far each person has read the record, when taking over from others."""

from django.conf import settings
from django.db import models

from kit.core.sql import ContractNow


class HandoverReading(models.Model):
    """The place up to which a person has read what happened (see `governance.record_places`).

    Of the whole office, or of the organisation for which they worked: what they read of one says
    nothing of another.
    """

    reading_id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    organisation_id = models.UUIDField(null=True)
    place = models.TextField()
    read_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "handover_readings"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation_id"],
                name="handover_readings_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.place}"
