-- The reverse of the completion gate: no task is added to a completed wave. All affected waves are
-- locked in the order of their keys, as for the progress, so that moves in both directions do not
-- deadlock. A task that is under way can be moved only to a wave in progress.
--
-- An override that adds an uncompleted task to a completed wave reopens the wave, as taking back one
-- of its tasks does.
CREATE OR REPLACE FUNCTION governance_waves_open() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    moved uuid[];
    left_behind uuid[];
    entered uuid[];
    closed text;
    begun text;
    reasons text;
BEGIN
    IF programs_is_history() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT wave_id) INTO entered FROM new_rows;
    ELSE
        SELECT array_agg(task_id), array_agg(o.wave_id), array_agg(n.wave_id)
        INTO moved, left_behind, entered
        FROM old_rows AS o JOIN new_rows AS n USING (task_id)
        WHERE n.wave_id <> o.wave_id;
    END IF;
    IF entered IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM waves WHERE wave_id = ANY (left_behind || entered)
    ORDER BY wave_id FOR NO KEY UPDATE;
    IF programs_is_forced() THEN
        UPDATE waves SET state = 'in-progress'
        WHERE wave_id = ANY (entered) AND state = 'completed' AND EXISTS (
            SELECT FROM tasks
            WHERE tasks.wave_id = waves.wave_id AND tasks.state <> 'completed'
        );
        RETURN NULL;
    END IF;
    SELECT name INTO closed FROM waves
    WHERE wave_id = ANY (entered) AND state = 'completed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Wave "%" is completed: no task can be added to it.', closed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_waves_open',
                TABLE = 'tasks', COLUMN = 'wave_id';
    END IF;

    moved := ARRAY(
        SELECT task_id FROM tasks
        WHERE task_id = ANY (moved) AND governance_is_under_way('task', task_id, state)
    );
    PERFORM 1 FROM programs
    WHERE program_id IN (
        SELECT program_id FROM tasks JOIN waves USING (wave_id) WHERE task_id = ANY (moved)
    )
    ORDER BY program_id FOR NO KEY UPDATE;
    SELECT tasks.name, string_agg(parent.detail, ' ') INTO begun, reasons
    FROM tasks CROSS JOIN LATERAL governance_parents_in_progress(task_id) AS parent
    WHERE task_id = ANY (moved) AND NOT parent.met
    GROUP BY task_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Task "%" is under way: it can be moved only to a wave in progress. %',
            begun, reasons
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_waves_in_progress',
                TABLE = 'tasks', COLUMN = 'wave_id';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_waves_open AFTER INSERT ON tasks
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_waves_open();

CREATE OR REPLACE TRIGGER governance_waves_open_to_moved AFTER UPDATE ON tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_waves_open();
