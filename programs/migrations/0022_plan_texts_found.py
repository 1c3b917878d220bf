"""Beside those at work: the texts of the plan as it is, and the indexes that find them.

The triggers are there already, so that a row that changes meanwhile keeps its newer text.
"""

from typing import Any

from django.db import migrations, models

import kit.core.sql
from kit.core.sql import AddIndexConcurrently

CHUNK = 1000  # rows of a transaction
TABLES = {"program": "programs", "wave": "waves", "task": "tasks"}
KEEP = """
    WITH chunk AS (
        SELECT {noun}_id AS id, to_jsonb({table}) AS doc FROM {table}
        WHERE %s::uuid IS NULL OR {noun}_id > %s::uuid
        ORDER BY {noun}_id LIMIT %s
    ), kept AS (
        INSERT INTO plan_texts (entity_type, entity_id, text)
        SELECT '{noun}', id, programs_plan_text(doc) FROM chunk
        ON CONFLICT (entity_type, entity_id) DO NOTHING
    )
    SELECT id FROM chunk ORDER BY id DESC LIMIT 1
"""


def keep_texts(apps: Any, schema_editor: Any) -> None:
    """Write the text of each row that has none yet, some at a time."""
    for noun, table in TABLES.items():
        last = None
        with schema_editor.connection.cursor() as cursor:
            while True:
                cursor.execute(KEEP.format(noun=noun, table=table), [last, last, CHUNK])
                found = cursor.fetchone()
                if found is None:
                    break
                last = found[0]


def of(noun: str) -> AddIndexConcurrently:
    return AddIndexConcurrently(
        model_name="plantext",
        index=kit.core.sql.GramsIndex(
            kit.core.sql.Grams("text"),
            name=f"idx_plan_texts_{noun}s",
            condition=models.Q(entity_type=noun),
        ),
    )


def newest(model: str, column: str, name: str) -> AddIndexConcurrently:
    index = models.Index(models.F(column).desc(), name=name)
    return AddIndexConcurrently(model_name=model, index=index)


def grams(model: str, name: str, *columns: str) -> AddIndexConcurrently:
    lines = kit.core.sql.Lines(*columns)
    return AddIndexConcurrently(
        model_name=model, index=kit.core.sql.GramsIndex(kit.core.sql.Grams(lines), name=name)
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("programs", "0021_plan_texts"),
    ]

    operations = [
        migrations.RunPython(keep_texts, migrations.RunPython.noop),
        of("program"),
        of("wave"),
        of("task"),
        newest("plannote", "created_at", "idx_plan_notes_newest"),
        grams("plannote", "idx_plan_notes_grams", "note"),
        newest("tasklink", "added_at", "idx_task_links_newest"),
        grams("tasklink", "idx_task_links_grams", "label", "url"),
        newest("tasknote", "written_at", "idx_task_notes_newest"),
        grams("tasknote", "idx_task_notes_grams", "text"),
    ]
