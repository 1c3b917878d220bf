-- Contract 6.2, last line: a program's progress is the mean of its waves, by the same mechanism.
CREATE OR REPLACE FUNCTION calculate_program_progress() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
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

CREATE OR REPLACE TRIGGER wave_progress_inserted AFTER INSERT ON waves
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();

CREATE OR REPLACE TRIGGER wave_progress_updated AFTER UPDATE ON waves
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();

CREATE OR REPLACE TRIGGER wave_progress_deleted AFTER DELETE ON waves
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();
