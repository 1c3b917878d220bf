from django.db import migrations, models

from foreman_office.kit.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False  # nobody waits while an index is made

    dependencies = [("programs", "0005_tallies")]

    operations = [
        # A wave's next tasks are found in their order, and no further than is asked.
        AddIndexConcurrently(
            model_name="task",
            index=models.Index(
                "wave",
                "created_at",
                name="idx_tasks_planned",
                condition=models.Q(state="planned"),
            ),
        ),
    ]
