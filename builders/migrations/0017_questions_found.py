"""Beside those at work: the indexes by which a search finds questions."""

from django.db import migrations, models

from kit.core.sql import AddIndexConcurrently, Grams, GramsIndex, Lines


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("builders", "0016_badges"),
        ("programs", "0021_plan_texts"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="question",
            index=models.Index(models.F("asked_at").desc(), name="idx_task_questions_newest"),
        ),
        AddIndexConcurrently(
            model_name="question",
            index=GramsIndex(Grams(Lines("question", "answer")), name="idx_task_questions_grams"),
        ),
    ]
