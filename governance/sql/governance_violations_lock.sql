-- A violation locks the task that it blocks before the foreign key locks its builder: task, then
-- builder, as the completion of the task does. Blockers come first, as where one is raised.
CREATE OR REPLACE FUNCTION governance_violations_lock() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.resolved_at IS NULL AND NOT programs_is_history() THEN
        PERFORM 1 FROM blockers
        WHERE entity_type = 'task' AND entity_id = NEW.task_id
            AND classification = 'constitutional_violation'
        ORDER BY blocker_id FOR NO KEY UPDATE;
        PERFORM 1 FROM tasks WHERE task_id = NEW.task_id FOR NO KEY UPDATE;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_violations_lock BEFORE INSERT ON governance_violations
    FOR EACH ROW EXECUTE FUNCTION governance_violations_lock();
