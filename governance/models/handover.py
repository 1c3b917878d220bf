"""How far each person has read the record, when taking over from others."""

from django.conf import settings
from django.db import models

from kit.core.sql import ContractNow


class HandoverReading(models.Model):
    """The place up to which a person has read what happened (see `governance.record_places`)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    place = models.TextField()
    read_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "handover_readings"

    def __str__(self) -> str:
        return f"{self.user} at {self.place}"
