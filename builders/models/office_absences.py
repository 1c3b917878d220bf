"""Times in which no watcher swept."""

from django.db import models

from kit.core.sql import RandomUUID


class OfficeAbsence(models.Model):
    """A time in which no watcher swept: silence of builders is counted from its end."""

    absence_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    began_at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "office_absences"
        constraints = [
            models.UniqueConstraint(fields=["began_at"], name="office_absences_began_at_key"),
            models.CheckConstraint(
                condition=models.Q(ended_at__gte=models.F("began_at")),
                name="office_absences_ended_at_check",
            ),
        ]
        indexes = [
            models.Index("ended_at", name="idx_office_absences_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M:%S} to {self.ended_at:%Y-%m-%d %H:%M:%S}"
