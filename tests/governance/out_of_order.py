"""States in which an office is out of order, each with a question that then has an answer."""

from django.db import connection

OUT_OF_ORDER = {
    "a wave's progress is not the mean of its tasks": """
        SELECT FROM waves WHERE progress_percentage <> (
            SELECT coalesce(avg(progress_percentage), 0)::integer FROM tasks
            WHERE tasks.wave_id = waves.wave_id)
    """,
    "a program's progress is not the mean of its waves": """
        SELECT FROM programs WHERE progress_percentage <> (
            SELECT coalesce(avg(progress_percentage), 0)::integer FROM waves
            WHERE waves.program_id = programs.program_id)
    """,
    "trouble is open twice": """
        SELECT FROM blockers WHERE resolved_at IS NULL
        GROUP BY entity_type, entity_id, classification HAVING count(*) > 1
    """,
    "a blocker is open on nothing": """
        SELECT FROM blockers WHERE resolved_at IS NULL AND entity_id NOT IN (
            SELECT program_id FROM programs UNION ALL SELECT wave_id FROM waves
            UNION ALL SELECT task_id FROM tasks)
    """,
    "a builder holds what is not in its hands": """
        SELECT FROM builders JOIN tasks ON task_id = current_task_id
        WHERE assigned_builder IS DISTINCT FROM builder_id
            OR tasks.state NOT IN ('assigned', 'in-progress', 'blocked')
    """,
    "a task is with a builder that does not hold it": """
        SELECT FROM tasks LEFT JOIN builders ON current_task_id = task_id
        WHERE tasks.state IN ('assigned', 'in-progress')
            AND assigned_builder IS DISTINCT FROM builder_id
    """,
    "a completed task has no end": """
        SELECT FROM tasks WHERE (state = 'completed') <> (completed_at IS NOT NULL)
            AND NOT (state = 'planned' OR state = 'failed')
    """,
}
# What an override may leave so, and nothing else.
OUT_OF_ORDER_UNLESS_FORCED = {
    "a completed wave has an open task": """
        SELECT FROM waves JOIN tasks USING (wave_id)
        WHERE waves.state = 'completed' AND tasks.state <> 'completed'
    """,
    "a completed program has an open wave": """
        SELECT FROM programs JOIN waves USING (program_id)
        WHERE programs.state = 'completed' AND waves.state <> 'completed'
    """,
    "what is blocked goes on": """
        SELECT FROM blockers JOIN (
            SELECT program_id, state FROM programs UNION ALL SELECT wave_id, state FROM waves
            UNION ALL SELECT task_id, state FROM tasks
        ) AS entity (id, state) ON id = entity_id
        WHERE resolved_at IS NULL AND state IN ('assigned', 'in-progress', 'completed')
    """,
    # (A violation's blocker can be resolved before the violation is: then the work goes on, and is
    # not completed.)
    "a task is completed over a violation": """
        SELECT FROM governance_violations JOIN tasks USING (task_id)
        WHERE resolved_at IS NULL AND completed_at > detected_at AND state = 'completed'
    """,
    "a program with nothing left to do goes on": """
        SELECT FROM programs WHERE state = 'in-progress'
            AND EXISTS (SELECT FROM waves WHERE waves.program_id = programs.program_id)
            AND NOT EXISTS (SELECT FROM waves
                WHERE waves.program_id = programs.program_id AND waves.state <> 'completed')
    """,
    "a wave with nothing left to do goes on": """
        SELECT FROM waves JOIN programs USING (program_id)
        WHERE waves.state = 'in-progress' AND programs.state = 'in-progress'
            AND EXISTS (SELECT FROM tasks WHERE tasks.wave_id = waves.wave_id)
            AND NOT EXISTS (
                SELECT FROM tasks WHERE tasks.wave_id = waves.wave_id AND state <> 'completed')
    """,
}


def out_of_order(is_forced):
    """Return what is out of order, but for what an override may leave so if one was given."""
    statements = OUT_OF_ORDER | ({} if is_forced else OUT_OF_ORDER_UNLESS_FORCED)
    found = []
    with connection.cursor() as cursor:
        for name, statement in statements.items():
            cursor.execute(statement)
            if cursor.fetchall():
                found.append(name)
    return found
