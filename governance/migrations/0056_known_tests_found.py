"""Beside those at work: the tests of the runs that are there, and the index that finds them."""

from typing import Any

from django.db import migrations

from kit.core.sql import AddIndexConcurrently, Grams, GramsIndex, Lines

CHUNK = 1000  # runs that are read at once
RUNS = """
    SELECT execution_id FROM qa_executions WHERE %s::uuid IS NULL OR execution_id > %s::uuid
    ORDER BY execution_id LIMIT %s
"""
KEEP = """
    INSERT INTO known_tests (digest, qa_suite_location, name, first_run_id)
    SELECT governance_test_digest(qa_suite_location, name), qa_suite_location, name, execution_id
    FROM qa_executions JOIN qa_test_results USING (execution_id)
    WHERE execution_id = %s AND NOT EXISTS (
        SELECT FROM known_tests AS known
        WHERE known.digest = governance_test_digest(
            qa_executions.qa_suite_location, qa_test_results.name)
    )
    ON CONFLICT (digest) DO NOTHING
"""


def keep_names(apps: Any, schema_editor: Any) -> None:
    """Write the names of each run that are not known yet, each run in its own transaction."""
    last = None
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(RUNS, [last, last, CHUNK])
            runs = cursor.fetchall()
            for run in runs:
                cursor.execute(KEEP, run)
            if not runs:
                break
            (last,) = runs[-1]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("governance", "0055_known_tests"),
    ]

    operations = [
        migrations.RunPython(keep_names, migrations.RunPython.noop),
        AddIndexConcurrently(
            model_name="knowntest",
            index=GramsIndex(Grams(Lines("name")), name="idx_known_tests_grams"),
        ),
    ]
