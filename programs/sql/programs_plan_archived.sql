-- The waves and tasks of an archived program stay as they are, as it does itself. It runs after the
-- gates, which lock the program of whatever gets under way: who archives it meanwhile comes first,
-- and is seen here, or finds the work. What a heartbeat writes is not looked at: it changes no task
-- that no builder has.
CREATE OR REPLACE FUNCTION programs_plan_archived() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    places uuid[];
    archived text;
BEGIN
    IF TG_TABLE_NAME = 'waves' THEN
        places := ARRAY[OLD.program_id];
        IF TG_OP = 'UPDATE' THEN
            places := places || NEW.program_id;
        END IF;
        SELECT name INTO archived FROM programs
        WHERE program_id = ANY (places) AND archived_at IS NOT NULL LIMIT 1;
    ELSE
        places := ARRAY[OLD.wave_id];
        IF TG_OP = 'UPDATE' THEN
            places := places || NEW.wave_id;
        END IF;
        SELECT programs.name INTO archived FROM waves JOIN programs USING (program_id)
        WHERE wave_id = ANY (places) AND archived_at IS NOT NULL LIMIT 1;
    END IF;
    IF FOUND THEN
        RAISE EXCEPTION 'Program "%" is archived: take it out of the archive first.', archived
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_plan_archived',
                TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER programs_plan_archived
    AFTER DELETE OR UPDATE OF
        program_id, name, sequence_number, dependencies, state, dependencies_accepted_at, due_on
    ON waves
    FOR EACH ROW EXECUTE FUNCTION programs_plan_archived();

CREATE OR REPLACE TRIGGER programs_plan_archived
    AFTER DELETE OR UPDATE OF
        wave_id, name, architecture_reference, qa_suite_location, acceptance_criteria,
        assigned_builder, planned_builder, state, evidence_location, due_on
    ON tasks
    FOR EACH ROW EXECUTE FUNCTION programs_plan_archived();
