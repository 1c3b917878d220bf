CREATE OR REPLACE FUNCTION governance_gate_approve_program(id uuid)
RETURNS TABLE (rule text, met boolean, detail text)
LANGUAGE sql STABLE AS $$
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
        CASE count(*) WHEN 0 THEN 'No wave waits for itself.'
            ELSE format('Going round: %s.', governance_names(array_agg(name))) END
    FROM (
        WITH RECURSIVE earlier (wave_id, id) AS (
            SELECT wave_id, jsonb_array_elements_text(dependencies) FROM waves
            WHERE waves.program_id = governance_gate_approve_program.id
            UNION
            SELECT earlier.wave_id, jsonb_array_elements_text(waves.dependencies)
            FROM earlier JOIN waves ON waves.wave_id::text = earlier.id
            WHERE waves.program_id = governance_gate_approve_program.id
        )
        SELECT waves.name FROM earlier JOIN waves USING (wave_id)
        WHERE earlier.id = earlier.wave_id::text
    ) AS cycle
    UNION ALL SELECT * FROM governance_no_open_blocker('program', id)
$$;

CREATE OR REPLACE FUNCTION governance_gate_start_wave(id uuid)
RETURNS TABLE (rule text, met boolean, detail text)
LANGUAGE sql STABLE AS $$
    SELECT 'program_in_progress', programs.state = 'in-progress',
        format('The program is %s.', programs.state)
    FROM waves JOIN programs USING (program_id) WHERE wave_id = id
    UNION ALL
    SELECT 'dependencies_completed', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'Every wave before it is completed.'
            ELSE format('Not completed: %s.', governance_names(array_agg(name))) END
    FROM (
        SELECT earlier.name
        FROM waves AS wave
        CROSS JOIN LATERAL jsonb_array_elements_text(wave.dependencies) AS dependency (id)
        JOIN waves AS earlier ON earlier.wave_id = dependency.id::uuid
        WHERE wave.wave_id = governance_gate_start_wave.id AND earlier.state <> 'completed'
        ORDER BY earlier.sequence_number
    ) AS waiting
    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id)
$$;
