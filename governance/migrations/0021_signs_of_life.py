"""Beside those at work: an index on what builders did, in which their signs of life are found."""

from django.db import migrations, models

from kit.core.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("governance", "0020_pinned")]

    operations = [
        AddIndexConcurrently(
            "evidence",
            models.Index(
                models.F("actor"),
                models.F("timestamp"),
                condition=~models.Q(actor="foreman") & models.Q(witnessed=True),
                name="idx_evidence_builders",
            ),
        ),
    ]
