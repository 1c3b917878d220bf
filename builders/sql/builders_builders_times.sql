-- Since when a builder has been in its state, and has had its task in hand: an old beat is no
-- silence for one that was given work a moment ago. A time that the writer gives is kept. A time
-- changes with what it tells the time of.
CREATE OR REPLACE FUNCTION builders_builders_times() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.state <> OLD.state AND NEW.state_since = OLD.state_since THEN
        NEW.state_since := CASE
            WHEN NEW.heard_at > coalesce(OLD.heard_at, '-infinity') THEN NEW.heard_at ELSE now()
        END;
    END IF;
    IF NEW.current_task_id IS DISTINCT FROM OLD.current_task_id
        AND NEW.assigned_at IS NOT DISTINCT FROM OLD.assigned_at
    THEN
        NEW.assigned_at := CASE WHEN NEW.current_task_id IS NOT NULL THEN now() END;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER builders_builders_times
    BEFORE UPDATE OF state, current_task_id ON builders
    FOR EACH ROW EXECUTE FUNCTION builders_builders_times();
