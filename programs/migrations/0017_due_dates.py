"""Due dates of programs, waves and tasks."""

import datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


def due_date(model):
    field = models.DateField(blank=True, null=True, verbose_name="due date")
    return migrations.AddField(model_name=model, name="due_on", field=field)


def calendar_day(model):
    first, last = datetime.date(1970, 1, 1), datetime.date(9999, 12, 31)
    return AddConstraintNotValid(
        model_name=model,
        constraint=models.CheckConstraint(
            condition=models.Q(
                ("due_on__isnull", True), ("due_on__range", (first, last)), _connector="OR"
            ),
            name=f"{model}s_due_on_check",
            violation_error_message="The due date must be between 1970-01-01 and 9999-12-31.",
        ),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("programs", "0016_pull"),
    ]

    operations = [
        due_date("program"),
        due_date("task"),
        due_date("wave"),
        calendar_day("program"),
        calendar_day("task"),
        calendar_day("wave"),
    ]
