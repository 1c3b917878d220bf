"""Compare the latest runs that are kept beside the runs with the runs themselves.

Gates and pages read them; nothing else tells whether they are right.
"""

from collections.abc import Iterator
from itertools import islice

from django.db import connection

from governance.models import LatestRun

TOLD = 20  # suites that are told one by one

ASTRAY = """
    WITH latest AS (
        SELECT DISTINCT ON (task_id, qa_suite_location) {columns}
        FROM qa_executions ORDER BY task_id, qa_suite_location, arrived_at DESC, recorded DESC
    ), kept AS (
        SELECT {columns} FROM qa_latest_runs
    )
    SELECT task_id::text, qa_suite_location, kept.execution_id::text, latest.execution_id::text
    FROM latest FULL JOIN kept USING (task_id, qa_suite_location)
    WHERE to_jsonb(latest) IS DISTINCT FROM to_jsonb(kept)
    ORDER BY task_id, qa_suite_location
"""


def latest_runs_astray() -> Iterator[str]:
    """Yield what is kept as the latest run of a suite and is not, and what is missing there."""
    columns = ", ".join(field.column for field in LatestRun._meta.concrete_fields)
    with connection.cursor() as cursor:
        cursor.execute(ASTRAY.format(columns=columns))
        found = cursor.fetchall()
    for task, suite, kept, latest in islice(found, TOLD):
        has = f"has {kept}" if kept else "has none"
        has += ", with other values" if kept == latest else ""
        yield (
            f"latest run of task {task}, suite {suite!r}: the runs have {latest or 'none'},"
            f" qa_latest_runs {has}."
        )
    if len(found) > TOLD:
        yield f"latest runs: {len(found) - TOLD:,} more suites differ."
