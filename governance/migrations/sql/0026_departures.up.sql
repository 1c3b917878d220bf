-- What goes may leave nothing undone behind, and what is under way goes on only where work goes on.

-- What is blocked returns to where it was.
CREATE FUNCTION governance_is_under_way(kind text, id uuid, state text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT CASE state WHEN 'blocked' THEN governance_state_before_block(kind, id) ELSE state END
        IN ('assigned', 'in-progress')
$$;

CREATE OR REPLACE FUNCTION governance_waves_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved uuid[];
    left_behind uuid[];
    entered uuid[];
    closed text;
    begun text;
    reasons text;
BEGIN
    IF programs_is_forced() THEN
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
    SELECT name INTO closed FROM waves
    WHERE wave_id = ANY (entered) AND state = 'completed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Wave "%" is completed: nothing is added to it.', closed
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
        RAISE EXCEPTION 'Task "%" is under way: only a wave in progress takes it in. %',
            begun, reasons
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_waves_in_progress',
                TABLE = 'tasks', COLUMN = 'wave_id';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION governance_programs_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved uuid[];
    left_behind uuid[];
    entered uuid[];
    closed text;
    begun text;
    state text;
BEGIN
    IF programs_is_forced() THEN
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
    SELECT name INTO closed FROM programs
    WHERE program_id = ANY (entered) AND programs.state = 'completed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Program "%" is completed: nothing is added to it.', closed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_programs_open',
                TABLE = 'waves', COLUMN = 'program_id';
    END IF;
    SELECT waves.name, programs.state INTO begun, state
    FROM waves JOIN programs USING (program_id)
    WHERE wave_id = ANY (moved) AND programs.state <> 'in-progress'
        AND governance_is_under_way('wave', wave_id, waves.state)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Wave "%" is under way: only a program in progress takes it in. '
            'The program is %.', begun, state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_programs_in_progress',
                TABLE = 'waves', COLUMN = 'program_id';
    END IF;
    RETURN NULL;
END $$;

-- Asked at the end of the transaction: parts that go one by one, and with them at last the whole,
-- leave nothing behind that could be completed.
CREATE FUNCTION governance_follow_departures() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked CONSTANT text := coalesce(current_setting('foreman.departures', true), '');
    places uuid[];
BEGIN
    IF programs_is_history() THEN
        RETURN NULL;
    END IF;
    -- Of many that went from one place to another it is asked once.
    IF TG_TABLE_NAME = 'tasks' THEN
        places := ARRAY[OLD.wave_id, NEW.wave_id];
    ELSE
        places := ARRAY[OLD.program_id, NEW.program_id];
    END IF;
    IF strpos(asked, places::text) > 0 THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('foreman.departures', asked || places::text, true);

    -- Locked before looking: of the last two that go at once, the later sees the earlier gone.
    IF TG_TABLE_NAME = 'tasks' THEN
        PERFORM 1 FROM waves WHERE wave_id = ANY (places) ORDER BY wave_id FOR NO KEY UPDATE;
        PERFORM governance_complete_what_is_done(program_id)
        FROM waves WHERE wave_id = ANY (places) AND state = 'in-progress';
    ELSE
        PERFORM 1 FROM programs WHERE program_id = ANY (places)
        ORDER BY program_id FOR NO KEY UPDATE;
        PERFORM governance_complete_what_is_done(program_id)
        FROM programs WHERE program_id = ANY (places) AND state = 'in-progress';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION governance_await_departures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('foreman.departures', '', true);
    RETURN NULL;
END $$;

CREATE TRIGGER governance_await_departures BEFORE DELETE OR UPDATE OF wave_id ON tasks
    FOR EACH STATEMENT EXECUTE FUNCTION governance_await_departures();
CREATE CONSTRAINT TRIGGER governance_follow_departures
    AFTER DELETE OR UPDATE OF wave_id ON tasks DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_follow_departures();
CREATE TRIGGER governance_await_departures BEFORE DELETE OR UPDATE OF program_id ON waves
    FOR EACH STATEMENT EXECUTE FUNCTION governance_await_departures();
CREATE CONSTRAINT TRIGGER governance_follow_departures
    AFTER DELETE OR UPDATE OF program_id ON waves DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_follow_departures();

-- As before, but that it says what an empty wave wants.
CREATE OR REPLACE FUNCTION governance_gate_complete_wave(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT 'program_in_progress', programs.state = 'in-progress',
        format('The program is %s.', programs.state)
    FROM waves JOIN programs USING (program_id) WHERE wave_id = id
    UNION ALL
    SELECT 'tasks_completed', count(*) > 0 AND bool_and(state = 'completed'),
        CASE count(*) WHEN 0 THEN 'It has no task: give it one, or delete it.'
            ELSE format('%s of %s tasks are completed.',
                count(*) FILTER (WHERE state = 'completed'), count(*)) END
    FROM tasks WHERE wave_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id)
$$;
