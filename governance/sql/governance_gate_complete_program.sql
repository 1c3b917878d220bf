-- Complete a program: happens automatically with the last of its waves.
CREATE OR REPLACE FUNCTION governance_gate_complete_program(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'waves_completed', count(*) > 0 AND bool_and(state = 'completed'),
        format('%s of %s waves are completed.',
            count(*) FILTER (WHERE state = 'completed'), count(*))
    FROM waves WHERE program_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('program', id);
END;
