from django.db import migrations, models

from foreman_office.kit.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False  # nobody waits while an index is made

    dependencies = [("governance", "0020_short_beats")]

    operations = [
        AddIndexConcurrently(
            model_name="evidence",
            index=models.Index(
                models.F("entity_type"),
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                condition=models.Q(("context__has_key", "import"), _negated=True),
                name="idx_evidence_kind",
            ),
        ),
    ]
