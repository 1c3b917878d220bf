from django.db import migrations, models

from foreman_office.kit.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False  # nobody waits while an index is made

    dependencies = [
        ("builders", "0006_idempotency"),
        ("programs", "0004_indexes"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="heartbeat",
            index=models.Index(
                models.OrderBy(models.F("timestamp"), descending=True), name="idx_heartbeats_newest"
            ),
        ),
        AddIndexConcurrently(
            model_name="heartbeat",
            index=models.Index(
                models.F("task"),
                models.OrderBy(models.F("timestamp"), descending=True),
                name="idx_heartbeats_task_newest",
            ),
        ),
    ]
