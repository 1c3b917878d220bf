-- Archive a program: it is finished, and nothing of it is under way or open.
CREATE OR REPLACE FUNCTION governance_gate_archive_program(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'program_finished', state IN ('completed', 'failed'),
        format('The program is %s.', programs_state_name(state))
    FROM programs WHERE program_id = id
    UNION ALL
    SELECT 'nothing_under_way', count(*) = 0,
        CASE count(*)
            WHEN 0 THEN 'No task of it is assigned or in progress.'
            WHEN 1 THEN '1 task of it is assigned or in progress.'
            ELSE format('%s tasks of it are assigned or in progress.', count(*))
        END
    FROM tasks JOIN waves USING (wave_id)
    WHERE program_id = id AND (
        tasks.state IN ('assigned', 'in-progress')
        OR EXISTS (SELECT FROM builders WHERE current_task_id = task_id)
    )
    UNION ALL
    SELECT 'nothing_open', blockers = 0 AND violations = 0,
        format('Open blockers of it: %s; unresolved violations: %s.', blockers, violations)
    FROM (
        SELECT
            (
                SELECT count(*) FROM blockers
                WHERE resolved_at IS NULL AND entity_id IN (
                    SELECT id
                    UNION ALL SELECT wave_id FROM waves WHERE program_id = id
                    UNION ALL
                    SELECT task_id FROM tasks JOIN waves USING (wave_id) WHERE program_id = id
                )
            ) AS blockers,
            (
                SELECT count(*) FROM governance_violations
                WHERE resolved_at IS NULL AND task_id IN (
                    SELECT task_id FROM tasks JOIN waves USING (wave_id) WHERE program_id = id
                )
            ) AS violations
    ) AS open;
END;
