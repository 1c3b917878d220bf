-- A violation locks what it will halt before the foreign key locks its builder: task, then builder,
-- as whoever completes the task does. Blockers come first, as where one is raised.
CREATE FUNCTION governance_violations_lock() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER governance_violations_lock BEFORE INSERT ON governance_violations
    FOR EACH ROW EXECUTE FUNCTION governance_violations_lock();
