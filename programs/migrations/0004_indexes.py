from django.db import migrations, models
from django.db.models.functions import Left

from foreman_office.kit.sql import AddIndexConcurrently, Words, WordsIndex


class Migration(migrations.Migration):
    atomic = False  # nobody waits while an index is made

    dependencies = [
        ("programs", "0003_moves"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="program",
            index=WordsIndex(Words("name"), name="idx_programs_words"),
        ),
        AddIndexConcurrently(
            model_name="task",
            index=models.Index(
                models.F("updated_at"), models.F("task_id"), name="idx_tasks_updated"
            ),
        ),
        AddIndexConcurrently(
            model_name="task",
            index=models.Index(Left("name", 200), models.F("task_id"), name="idx_tasks_name"),
        ),
        AddIndexConcurrently(
            model_name="task",
            index=models.Index(
                models.F("progress_percentage"), models.F("task_id"), name="idx_tasks_progress"
            ),
        ),
        AddIndexConcurrently(
            model_name="task",
            index=models.Index(
                models.F("created_at"), models.F("task_id"), name="idx_tasks_created"
            ),
        ),
        AddIndexConcurrently(
            model_name="task",
            index=models.Index(
                models.F("completed_at"),
                models.F("task_id"),
                condition=models.Q(("completed_at__isnull", False)),
                name="idx_tasks_completed",
            ),
        ),
        AddIndexConcurrently(
            model_name="task",
            index=WordsIndex(Words("name"), name="idx_tasks_words"),
        ),
        AddIndexConcurrently(
            model_name="wave",
            index=WordsIndex(Words("name"), name="idx_waves_words"),
        ),
    ]
