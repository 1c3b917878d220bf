-- Complete a wave: happens automatically with the last of its tasks. A wave without tasks is not
-- completed, and says what to do.
CREATE OR REPLACE FUNCTION governance_gate_complete_wave(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'program_in_progress', programs.state = 'in-progress',
        format('The program is %s.', programs_state_name(programs.state))
    FROM waves JOIN programs USING (program_id) WHERE wave_id = id
    UNION ALL
    SELECT 'tasks_completed', count(*) > 0 AND bool_and(state = 'completed'),
        CASE count(*) WHEN 0 THEN 'The wave has no task: add one, or delete the wave.'
            ELSE format('%s of %s tasks are completed.',
                count(*) FILTER (WHERE state = 'completed'), count(*)) END
    FROM tasks WHERE wave_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id);
END;
