-- The times of a task follow its state, for any writer; a time that the writer gives is kept. A task
-- that is no longer completed begins its next attempt at 0, with a new start.
CREATE OR REPLACE FUNCTION programs_tasks_times() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF OLD.state = 'completed' THEN
        NEW.completed_at := NULL;
        NEW.started_at := NULL;
        NEW.worked_at := NULL;
        NEW.progress_percentage := 0;
    END IF;
    IF NEW.state = 'in-progress' THEN
        NEW.started_at := coalesce(NEW.started_at, now());
        NEW.completed_at := NULL;
    ELSIF NEW.state = 'completed' THEN
        NEW.started_at := coalesce(NEW.started_at, least(now(), NEW.completed_at));
        -- A transaction that began before the task was started has an earlier now().
        NEW.completed_at := coalesce(NEW.completed_at, greatest(now(), NEW.started_at));
        NEW.progress_percentage := 100;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_tasks_times BEFORE UPDATE ON tasks
    FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT programs_is_history())
    EXECUTE FUNCTION programs_tasks_times();
