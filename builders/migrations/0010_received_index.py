"""Beside those at work: indexes on heartbeats by their receipt."""

from django.db import migrations, models
from django.db.models.functions import Coalesce

from kit.core.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("builders", "0009_stalls_go_on")]

    operations = [
        AddIndexConcurrently(
            model_name="heartbeat",
            index=models.Index(
                "builder",
                Coalesce("received_at", "timestamp").desc(),
                models.F("timestamp").desc(),
                name="idx_heartbeats_received",
            ),
        ),
        AddIndexConcurrently(
            model_name="heartbeat",
            index=models.Index(
                "task",
                Coalesce("received_at", "timestamp").desc(),
                name="idx_heartbeats_task_received",
            ),
        ),
    ]
