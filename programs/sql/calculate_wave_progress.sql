-- Contract 6.2: a wave's progress is the mean of its tasks, 0 where it has none.
--
-- One recomputation per affected wave, whatever the size of the change. The waves are locked
-- first, in the order of their keys, and the mean is taken in a statement of its own: under READ
-- COMMITTED that statement sees what everyone who held the lock before has committed. (An UPDATE
-- with a subquery, waiting for the lock, would go on with the snapshot from before the wait.)
-- The lock is the one that an UPDATE of a non-key column takes, so it does not collide with the
-- key-share locks that inserting tasks takes through the foreign key.
CREATE OR REPLACE FUNCTION calculate_wave_progress() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
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

CREATE OR REPLACE TRIGGER task_progress_inserted AFTER INSERT ON tasks
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();

CREATE OR REPLACE TRIGGER task_progress_updated AFTER UPDATE ON tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();

CREATE OR REPLACE TRIGGER task_progress_deleted AFTER DELETE ON tasks
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();
