-- A task has at most so many rows of a table (the argument). The task is locked: of two that are
-- added at once, the later counts the earlier.
CREATE OR REPLACE FUNCTION programs_bounded_per_task() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    most CONSTANT integer := TG_ARGV[0];
    listed integer;
BEGIN
    PERFORM FROM tasks WHERE task_id = NEW.task_id FOR NO KEY UPDATE;
    EXECUTE format('SELECT count(*) FROM %I WHERE task_id = $1', TG_TABLE_NAME)
    INTO listed USING NEW.task_id;
    IF listed >= most THEN
        RAISE EXCEPTION 'A task has at most % of these.', most
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_bounded_per_task',
                TABLE = TG_TABLE_NAME, COLUMN = 'task_id';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_bounded_per_task BEFORE INSERT ON task_links
    FOR EACH ROW EXECUTE FUNCTION programs_bounded_per_task('100');

CREATE OR REPLACE TRIGGER programs_bounded_per_task BEFORE INSERT ON task_notes
    FOR EACH ROW EXECUTE FUNCTION programs_bounded_per_task('500');
