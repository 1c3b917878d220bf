from django.db import migrations, models

from foreman_office.kit.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False  # nobody waits while an index is made

    dependencies = [("programs", "0004_indexes")]

    operations = [
        # A wave's tasks by state are counted in it alone, without a look at the tasks.
        AddIndexConcurrently(
            model_name="task",
            index=models.Index(models.F("wave"), models.F("state"), name="idx_tasks_wave_state"),
        ),
    ]
