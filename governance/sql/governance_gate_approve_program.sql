-- Approve a program. A wave depends on waves of its own program: those of all others need not be
-- read.
--
-- The gates of programs and waves are evaluated for every planned one whenever a page counts
-- pending decisions. A planner takes jsonb_array_elements_text for a hundred rows, which no wave
-- depends on: to find a cycle it made room for half a million rows. So an array is unnested, which
-- counts as ten.
CREATE OR REPLACE FUNCTION governance_gate_approve_program(id uuid)
RETURNS TABLE (rule text, met boolean, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'has_waves', count(*) > 0,
        CASE count(*) WHEN 0 THEN 'The program has no wave.' ELSE format('Waves: %s.', count(*)) END
    FROM waves WHERE program_id = id
    UNION ALL
    SELECT 'waves_have_tasks', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'Each wave has a task.'
            ELSE format('Without a task: %s.', governance_names(array_agg(name))) END
    FROM (
        SELECT name FROM waves
        WHERE program_id = id AND NOT EXISTS (SELECT FROM tasks WHERE tasks.wave_id = waves.wave_id)
        ORDER BY sequence_number
    ) AS empty
    UNION ALL
    SELECT 'dependencies_acyclic', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'The waves have no dependency cycle.'
            ELSE format('Cycle: %s.', governance_names(array_agg(name))) END
    FROM (
        WITH RECURSIVE earlier (wave_id, id) AS (
            SELECT waves.wave_id, dependency.id FROM waves
            CROSS JOIN LATERAL unnest(
                ARRAY(SELECT jsonb_array_elements_text(waves.dependencies))
            ) AS dependency (id)
            WHERE waves.program_id = governance_gate_approve_program.id
            UNION
            SELECT earlier.wave_id, dependency.id
            FROM earlier JOIN waves ON waves.wave_id::text = earlier.id
            CROSS JOIN LATERAL unnest(
                ARRAY(SELECT jsonb_array_elements_text(waves.dependencies))
            ) AS dependency (id)
            WHERE waves.program_id = governance_gate_approve_program.id
        )
        SELECT waves.name FROM earlier JOIN waves USING (wave_id)
        WHERE earlier.id = earlier.wave_id::text
    ) AS cycle
    UNION ALL SELECT * FROM governance_no_open_blocker('program', id);
END;
