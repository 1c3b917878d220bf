-- Start a wave.
--
-- A planner takes jsonb_array_elements_text for a hundred rows, which no wave depends on: to
-- find two by their keys it read all waves. So each is looked up separately (a LIMIT is not
-- joined).
CREATE OR REPLACE FUNCTION governance_gate_start_wave(id uuid)
RETURNS TABLE (rule text, met boolean, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'program_in_progress', programs.state = 'in-progress',
        format('The program is %s.', programs_state_name(programs.state))
    FROM waves JOIN programs USING (program_id) WHERE wave_id = id
    UNION ALL
    SELECT 'dependencies_completed', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'Every wave that it depends on is completed.'
            ELSE format('Not completed: %s.', governance_names(array_agg(name))) END
    FROM (
        SELECT earlier.name
        FROM waves AS wave
        CROSS JOIN LATERAL jsonb_array_elements_text(wave.dependencies) AS dependency (id)
        CROSS JOIN LATERAL (
            SELECT name, state, sequence_number FROM waves
            WHERE waves.wave_id = dependency.id::uuid LIMIT 1
        ) AS earlier
        WHERE wave.wave_id = governance_gate_start_wave.id AND earlier.state <> 'completed'
        ORDER BY earlier.sequence_number
    ) AS waiting
    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id);
END;
