from django.db import migrations, models

from foreman_office.kit.sql import AddIndexConcurrently, RunSQLFile


class Migration(migrations.Migration):
    atomic = False  # nobody waits while an index is made

    dependencies = [("governance", "0016_evidence_by_whom")]

    operations = [
        RunSQLFile("governance", "0018_quick_pages"),
        AddIndexConcurrently(
            model_name="evidence",
            index=models.Index(
                "entity_id",
                condition=models.Q(
                    models.Q(("action", "created"), ("context__snapshot__state", "completed")),
                    models.Q(("action", "state_changed"), ("context__to", "completed")),
                    models.Q(("action", "state_changed"), ("context__from", "completed")),
                    _connector="OR",
                )
                & models.Q(("entity_type", "task"), ("witnessed", True)),
                name="idx_evidence_completions",
            ),
        ),
    ]
