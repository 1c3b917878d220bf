"""Beside those at work: indexes of what is late, and of tasks by their due date."""

import datetime

from django.db import migrations, models
from django.db.models.functions import Coalesce

from kit.core.sql import AddIndexConcurrently


def overdue(model):
    unfinished = models.Q(("state__in", ["completed", "failed"]), _negated=True)
    return AddIndexConcurrently(
        model_name=model,
        index=models.Index(
            "due_on",
            condition=models.Q(unfinished, ("due_on__isnull", False)),
            name=f"idx_{model}s_overdue",
        ),
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("programs", "0017_due_dates")]

    operations = [
        overdue("program"),
        overdue("task"),
        overdue("wave"),
        AddIndexConcurrently(
            model_name="task",
            index=models.Index(
                Coalesce("due_on", models.Value(datetime.date(9999, 12, 31), models.DateField())),
                "task_id",
                name="idx_tasks_due",
            ),
        ),
    ]
