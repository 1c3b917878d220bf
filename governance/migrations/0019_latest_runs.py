from django.db import migrations, models

from foreman_office.kit.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False  # nobody waits while an index is made

    dependencies = [("governance", "0018_quick_pages")]

    operations = [
        AddIndexConcurrently(
            model_name="qaexecution",
            index=models.Index(
                fields=["task", "qa_suite_location", "-executed_at", "-execution_id"],
                include=["qa_status"],
                name="idx_qa_executions_latest",
            ),
        ),
    ]
