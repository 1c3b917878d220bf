-- The organisation of a program, wave or task, by its kind and id; NULL where there is none of that
-- id. A builder is the whole office's.
CREATE OR REPLACE FUNCTION governance_organisation_of(kind text, id uuid) RETURNS uuid
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE kind
        WHEN 'program' THEN (
            SELECT coalesce(organisation_id, programs_office_itself()) FROM programs
            WHERE program_id = id)
        WHEN 'wave' THEN (SELECT organisation_id FROM waves WHERE wave_id = id)
        WHEN 'task' THEN (SELECT organisation_id FROM tasks WHERE task_id = id)
        WHEN 'run' THEN (SELECT organisation_id FROM qa_executions WHERE execution_id = id)
        WHEN 'builder' THEN programs_office_itself()
    END;
END;
