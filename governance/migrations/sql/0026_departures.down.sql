DROP TRIGGER governance_follow_departures ON waves;
DROP TRIGGER governance_await_departures ON waves;
DROP TRIGGER governance_follow_departures ON tasks;
DROP TRIGGER governance_await_departures ON tasks;
DROP FUNCTION governance_await_departures();
DROP FUNCTION governance_follow_departures();

CREATE OR REPLACE FUNCTION governance_waves_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_behind uuid[];
    entered uuid[];
    closed text;
BEGIN
    IF programs_is_forced() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT wave_id) INTO entered FROM new_rows;
    ELSE
        SELECT array_agg(o.wave_id), array_agg(n.wave_id) INTO left_behind, entered
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
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION governance_programs_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_behind uuid[];
    entered uuid[];
    closed text;
BEGIN
    IF programs_is_forced() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT program_id) INTO entered FROM new_rows;
    ELSE
        SELECT array_agg(o.program_id), array_agg(n.program_id) INTO left_behind, entered
        FROM old_rows AS o JOIN new_rows AS n USING (wave_id)
        WHERE n.program_id <> o.program_id;
    END IF;
    IF entered IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM programs WHERE program_id = ANY (left_behind || entered)
    ORDER BY program_id FOR NO KEY UPDATE;
    SELECT name INTO closed FROM programs
    WHERE program_id = ANY (entered) AND state = 'completed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Program "%" is completed: nothing is added to it.', closed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_programs_open',
                TABLE = 'waves', COLUMN = 'program_id';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION governance_gate_complete_wave(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT 'program_in_progress', programs.state = 'in-progress',
        format('The program is %s.', programs.state)
    FROM waves JOIN programs USING (program_id) WHERE wave_id = id
    UNION ALL
    SELECT 'tasks_completed', count(*) > 0 AND bool_and(state = 'completed'),
        format('%s of %s tasks are completed.',
            count(*) FILTER (WHERE state = 'completed'), count(*))
    FROM tasks WHERE wave_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id)
$$;

DROP FUNCTION governance_is_under_way(text, uuid, text);
