"""Helpers of the tests of progress."""

WRONG = """
    SELECT 'wave', wave_id::text, progress_percentage, mean FROM waves
    CROSS JOIN LATERAL (
        SELECT coalesce(avg(tasks.progress_percentage)::integer, 0) AS mean
        FROM tasks WHERE tasks.wave_id = waves.wave_id
    ) AS tasks
    WHERE progress_percentage <> mean
    UNION ALL
    SELECT 'program', program_id::text, progress_percentage, mean FROM programs
    CROSS JOIN LATERAL (
        SELECT coalesce(avg(waves.progress_percentage)::integer, 0) AS mean
        FROM waves WHERE waves.program_id = programs.program_id
    ) AS waves
    WHERE progress_percentage <> mean
"""
