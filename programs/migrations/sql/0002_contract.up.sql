-- Contract 4.3: the foreign keys of the plan, with the delete actions that it states.
ALTER TABLE waves ADD CONSTRAINT waves_program_id_fkey
    FOREIGN KEY (program_id) REFERENCES programs (program_id) ON DELETE CASCADE;
ALTER TABLE tasks ADD CONSTRAINT tasks_wave_id_fkey
    FOREIGN KEY (wave_id) REFERENCES waves (wave_id) ON DELETE CASCADE;


-- Contract 6.1: updated_at, for any writer.
CREATE FUNCTION update_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = NOW();
    RETURN NEW;
END $$;

CREATE TRIGGER programs_updated_at BEFORE UPDATE ON programs
    FOR EACH ROW EXECUTE FUNCTION update_updated_at();
CREATE TRIGGER waves_updated_at BEFORE UPDATE ON waves
    FOR EACH ROW EXECUTE FUNCTION update_updated_at();
CREATE TRIGGER tasks_updated_at BEFORE UPDATE ON tasks
    FOR EACH ROW EXECUTE FUNCTION update_updated_at();


-- The rules below lock, then look, and count on seeing what was committed before the lock. Under
-- REPEATABLE READ they would look at the past and nothing would tell, so that is refused.
-- (SERIALIZABLE notices by itself.)
CREATE FUNCTION programs_fresh_snapshots() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'The plan cannot be changed under REPEATABLE READ.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_fresh_snapshots',
                HINT = 'Use READ COMMITTED or SERIALIZABLE.';
    END IF;
END $$;


-- Contract 6.2: a wave's progress is the mean of its tasks, 0 where it has none.
--
-- One recomputation per affected wave, whatever the size of the change. The waves are locked
-- first, in the order of their keys, and the mean is taken in a statement of its own: under READ
-- COMMITTED that statement sees what everyone who held the lock before has committed. (An UPDATE
-- with a subquery, waiting for the lock, would go on with the snapshot from before the wait.)
-- The lock is the one that an UPDATE of a non-key column takes, so it does not collide with the
-- key-share locks that inserting tasks takes through the foreign key.
CREATE FUNCTION calculate_wave_progress() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    affected uuid[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT wave_id) INTO affected FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT wave_id) INTO affected FROM old_rows;
    ELSE
        -- The sum of the changes says it: without a join, however many rows.
        SELECT array_agg(wave_id) INTO affected
        FROM (
            SELECT wave_id
            FROM (
                SELECT wave_id, progress_percentage AS progress, 1 AS number FROM new_rows
                UNION ALL
                SELECT wave_id, -progress_percentage, -1 FROM old_rows
            ) AS changes
            GROUP BY wave_id
            HAVING sum(progress) <> 0 OR sum(number) <> 0
        ) AS changed;
    END IF;
    IF affected IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM programs_fresh_snapshots();
    PERFORM 1 FROM waves WHERE wave_id = ANY (affected) ORDER BY wave_id FOR NO KEY UPDATE;

    UPDATE waves SET progress_percentage = mean.progress
    FROM (
        SELECT wave.id, coalesce(avg(tasks.progress_percentage), 0)::integer AS progress
        FROM unnest(affected) AS wave (id)
        LEFT JOIN tasks ON tasks.wave_id = wave.id
        GROUP BY wave.id
    ) AS mean
    WHERE waves.wave_id = mean.id AND waves.progress_percentage <> mean.progress;
    RETURN NULL;
END $$;

CREATE TRIGGER task_progress_inserted AFTER INSERT ON tasks
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();
CREATE TRIGGER task_progress_updated AFTER UPDATE ON tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();
CREATE TRIGGER task_progress_deleted AFTER DELETE ON tasks
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();


-- Contract 6.2, last line: a program's progress is the mean of its waves, by the same mechanism.
CREATE FUNCTION calculate_program_progress() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    affected uuid[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT program_id) INTO affected FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT program_id) INTO affected FROM old_rows;
    ELSE
        SELECT array_agg(program_id) INTO affected
        FROM (
            SELECT program_id
            FROM (
                SELECT program_id, progress_percentage AS progress, 1 AS number FROM new_rows
                UNION ALL
                SELECT program_id, -progress_percentage, -1 FROM old_rows
            ) AS changes
            GROUP BY program_id
            HAVING sum(progress) <> 0 OR sum(number) <> 0
        ) AS changed;
    END IF;
    IF affected IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM programs_fresh_snapshots();
    PERFORM 1 FROM programs WHERE program_id = ANY (affected)
    ORDER BY program_id FOR NO KEY UPDATE;

    UPDATE programs SET progress_percentage = mean.progress
    FROM (
        SELECT program.id, coalesce(avg(waves.progress_percentage), 0)::integer AS progress
        FROM unnest(affected) AS program (id)
        LEFT JOIN waves ON waves.program_id = program.id
        GROUP BY program.id
    ) AS mean
    WHERE programs.program_id = mean.id AND programs.progress_percentage <> mean.progress;
    RETURN NULL;
END $$;

CREATE TRIGGER wave_progress_inserted AFTER INSERT ON waves
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();
CREATE TRIGGER wave_progress_updated AFTER UPDATE ON waves
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();
CREATE TRIGGER wave_progress_deleted AFTER DELETE ON waves
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();


-- waves.dependencies is a JSON array of keys without a foreign key: this is its integrity.
--
-- Deferred, so that a plan may arrive in any order within one transaction. The program is locked
-- before looking, so that of two transactions that would close a cycle together, or one that
-- deletes a wave while the other begins to depend on it, the second sees what the first did.
CREATE FUNCTION programs_waves_dependencies() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wave waves;
    wrong text;
BEGIN
    PERFORM programs_fresh_snapshots();
    IF TG_OP <> 'INSERT' THEN
        PERFORM 1 FROM programs WHERE program_id = OLD.program_id FOR NO KEY UPDATE;
        SELECT waves.name INTO wrong FROM waves
        WHERE waves.program_id = OLD.program_id
            AND waves.dependencies ? OLD.wave_id::text
            AND NOT EXISTS (
                SELECT FROM waves AS still
                WHERE still.wave_id = OLD.wave_id AND still.program_id = OLD.program_id
            )
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'Wave "%" depends on wave "%", which would be gone from the program.',
                wrong, OLD.name
                USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_dependencies',
                    TABLE = 'waves', COLUMN = 'dependencies';
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;

    -- Deferred: the row may have changed again, or gone, since the event.
    PERFORM 1 FROM programs WHERE program_id = NEW.program_id FOR NO KEY UPDATE;
    SELECT * INTO wave FROM waves WHERE wave_id = NEW.wave_id;
    IF NOT FOUND OR wave.dependencies = '[]' THEN
        RETURN NULL;
    END IF;

    wrong := CASE
        WHEN jsonb_typeof(wave.dependencies) <> 'array' THEN 'must be an array of wave ids'
        WHEN EXISTS (
            SELECT FROM jsonb_array_elements(wave.dependencies) AS item
            WHERE jsonb_typeof(item) <> 'string'
        ) THEN 'must be an array of wave ids'
        WHEN EXISTS (
            SELECT FROM jsonb_array_elements_text(wave.dependencies) AS item (id)
            GROUP BY item.id HAVING count(*) > 1
        ) THEN 'name a wave twice'
        WHEN wave.dependencies ? wave.wave_id::text THEN 'name the wave itself'
        WHEN EXISTS (
            SELECT FROM jsonb_array_elements_text(wave.dependencies) AS item (id)
            WHERE NOT EXISTS (
                SELECT FROM waves AS other
                WHERE other.wave_id::text = item.id AND other.program_id = wave.program_id
            )
        ) THEN 'name something that is not a wave of the program'
    END;
    IF wrong IS NULL THEN
        WITH RECURSIVE earlier (id) AS (
            SELECT jsonb_array_elements_text(wave.dependencies)
            UNION
            SELECT jsonb_array_elements_text(waves.dependencies)
            FROM earlier JOIN waves ON waves.wave_id::text = earlier.id
            WHERE waves.program_id = wave.program_id
                AND jsonb_typeof(waves.dependencies) = 'array'
        )
        SELECT 'lead back to the wave itself' INTO wrong
        FROM earlier WHERE earlier.id = wave.wave_id::text;
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'The dependencies of wave "%" %.', wave.name, wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_dependencies',
                TABLE = 'waves', COLUMN = 'dependencies';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER programs_waves_dependencies
    AFTER INSERT OR DELETE OR UPDATE OF wave_id, program_id, dependencies ON waves
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION programs_waves_dependencies();
