-- When a task was last worked on is what heartbeats measured. Whatever another writer says of it, the
-- times stay as they are, as `updated_at` does; recorded history brings its own.
CREATE OR REPLACE FUNCTION programs_tasks_measured() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT programs_is_by_rule(TG_RELID) AND NOT programs_is_forced() THEN
        NEW.worked_at := OLD.worked_at;
        NEW.work_received_at := OLD.work_received_at;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_tasks_measured BEFORE UPDATE OF worked_at, work_received_at ON tasks
    FOR EACH ROW WHEN (
        OLD.worked_at IS DISTINCT FROM NEW.worked_at
        OR OLD.work_received_at IS DISTINCT FROM NEW.work_received_at
    )
    EXECUTE FUNCTION programs_tasks_measured();
