-- No wave and no task is added to an archived program. The program is locked, after the waves as
-- everywhere: it is archived before, and seen here, or afterwards.
CREATE OR REPLACE FUNCTION programs_plan_enters_archived() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    entered uuid[];
    archived text;
BEGIN
    IF TG_TABLE_NAME = 'waves' THEN
        SELECT array_agg(DISTINCT program_id) INTO entered FROM new_rows;
    ELSE
        PERFORM 1 FROM waves WHERE wave_id IN (SELECT wave_id FROM new_rows)
        ORDER BY wave_id FOR NO KEY UPDATE;
        SELECT array_agg(DISTINCT program_id) INTO entered
        FROM waves WHERE wave_id IN (SELECT wave_id FROM new_rows);
    END IF;
    PERFORM 1 FROM programs WHERE program_id = ANY (entered)
    ORDER BY program_id FOR NO KEY UPDATE;
    SELECT name INTO archived FROM programs
    WHERE program_id = ANY (entered) AND archived_at IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Program "%" is archived: take it out of the archive first.', archived
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_plan_enters_archived',
                TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER programs_plan_enters_archived AFTER INSERT ON waves
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION programs_plan_enters_archived();

CREATE OR REPLACE TRIGGER programs_plan_enters_archived AFTER INSERT ON tasks
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION programs_plan_enters_archived();
