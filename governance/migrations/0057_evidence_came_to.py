"""Beside those at work: indexes on what came into a wave or a program, which it consisted of."""

from django.db import migrations, models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from kit.core.sql import AddIndexConcurrently


def came_to(holder, kind):
    column = f"{holder}_id"
    changed = KeyTextTransform(column, KeyTextTransform("changes", "context"))
    return models.Index(
        Coalesce(
            KeyTextTransform(column, KeyTextTransform("snapshot", "context")),
            KeyTextTransform("1", changed),
        ),
        condition=models.Q(
            models.Q(action="created") | models.Q(context__changes__has_key=column),
            entity_type=kind,
            witnessed=True,
        ),
        name=f"idx_evidence_came_to_{holder}",
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("governance", "0056_known_tests_found")]

    operations = [
        AddIndexConcurrently("evidence", came_to("wave", "task")),
        AddIndexConcurrently("evidence", came_to("program", "wave")),
    ]
