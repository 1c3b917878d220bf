-- The reverse of the completion gate: no wave is added to a completed program, and a wave that is
-- under way can be moved only to a program in progress. Locked as by governance_waves_open.
CREATE OR REPLACE FUNCTION governance_programs_open() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    moved uuid[];
    left_behind uuid[];
    entered uuid[];
    closed text;
    begun text;
    state text;
BEGIN
    IF programs_is_history() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT program_id) INTO entered FROM new_rows;
    ELSE
        SELECT array_agg(wave_id), array_agg(o.program_id), array_agg(n.program_id)
        INTO moved, left_behind, entered
        FROM old_rows AS o JOIN new_rows AS n USING (wave_id)
        WHERE n.program_id <> o.program_id;
    END IF;
    IF entered IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM programs WHERE program_id = ANY (left_behind || entered)
    ORDER BY program_id FOR NO KEY UPDATE;
    IF programs_is_forced() THEN
        UPDATE programs SET state = 'in-progress'
        WHERE program_id = ANY (entered) AND programs.state = 'completed' AND EXISTS (
            SELECT FROM waves
            WHERE waves.program_id = programs.program_id AND waves.state <> 'completed'
        );
        RETURN NULL;
    END IF;
    SELECT name INTO closed FROM programs
    WHERE program_id = ANY (entered) AND programs.state = 'completed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Program "%" is completed: no wave can be added to it.', closed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_programs_open',
                TABLE = 'waves', COLUMN = 'program_id';
    END IF;
    SELECT waves.name, programs.state INTO begun, state
    FROM waves JOIN programs USING (program_id)
    WHERE wave_id = ANY (moved) AND programs.state <> 'in-progress'
        AND governance_is_under_way('wave', wave_id, waves.state)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Wave "%" is under way: it can be moved only to a program in progress. '
            'The program is %.', begun, programs_state_name(state)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_programs_in_progress',
                TABLE = 'waves', COLUMN = 'program_id';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_programs_open AFTER INSERT ON waves
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_programs_open();

CREATE OR REPLACE TRIGGER governance_programs_open_to_moved AFTER UPDATE ON waves
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_programs_open();
