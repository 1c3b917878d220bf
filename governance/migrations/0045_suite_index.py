"""Beside those at work: an index on the runs of a suite, of whatever task."""

from django.db import migrations, models

from kit.core.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("governance", "0044_saved_views")]

    operations = [
        AddIndexConcurrently(
            "qaexecution",
            models.Index(
                fields=["qa_suite_location", "-arrived_at", "-recorded"],
                name="idx_qa_executions_suite",
            ),
        ),
    ]
