-- The reverse of the completion gates: a completed entity cannot be blocked. The entity is locked
-- as an UPDATE would lock it, so that raising and completing cannot pass each other.
CREATE OR REPLACE FUNCTION governance_blockers_not_on_completed() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    state text;
BEGIN
    IF NEW.resolved_at IS NOT NULL OR programs_is_forced()
        OR (TG_OP = 'INSERT' AND programs_is_history())
    THEN
        RETURN NEW;
    END IF;
    CASE NEW.entity_type
        WHEN 'program' THEN
            SELECT programs.state INTO state FROM programs
            WHERE program_id = NEW.entity_id FOR NO KEY UPDATE;
        WHEN 'wave' THEN
            SELECT waves.state INTO state FROM waves
            WHERE wave_id = NEW.entity_id FOR NO KEY UPDATE;
        WHEN 'task' THEN
            SELECT tasks.state INTO state FROM tasks
            WHERE task_id = NEW.entity_id FOR NO KEY UPDATE;
        ELSE
            RETURN NEW;  -- the check on entity_type refuses it by its own name
    END CASE;
    IF state = 'completed' THEN
        RAISE EXCEPTION 'The % is completed: it cannot be blocked.', NEW.entity_type
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'governance_blockers_not_on_completed',
                TABLE = 'blockers', COLUMN = 'entity_id';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_blockers_not_on_completed
    BEFORE INSERT OR UPDATE OF resolved_at ON blockers
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_not_on_completed();
