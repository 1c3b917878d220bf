from django.db import migrations, models
from django.db.models.fields.json import KeyTextTransform

from foreman_office.kit.sql import AddIndexConcurrently

NEWEST = (
    models.OrderBy(models.F("timestamp"), descending=True),
    models.OrderBy(models.F("sequence"), descending=True),
)


class Migration(migrations.Migration):
    atomic = False  # nobody waits while an index is made

    dependencies = [("governance", "0015_tokens")]

    operations = [
        AddIndexConcurrently(
            model_name="evidence",
            index=models.Index(
                KeyTextTransform("user", "context"),
                *NEWEST,
                condition=models.Q(("context__has_key", "user")),
                name="idx_evidence_person",
            ),
        ),
        AddIndexConcurrently(
            model_name="evidence",
            index=models.Index(
                *NEWEST,
                condition=models.Q(("context__has_key", "override")),
                name="idx_evidence_forced",
            ),
        ),
    ]
