-- Resolve the stall of a builder that reports again, or that is no longer assigned to the task. A
-- blocker that another transaction is resolving is skipped: that transaction may wait for our task.
-- The resolution is formatted only if a stall has ended.
CREATE OR REPLACE FUNCTION governance_follow_builders() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    is_unassigned CONSTANT boolean := NEW.current_task_id IS DISTINCT FROM OLD.current_task_id;
    is_heard CONSTANT boolean :=
        NEW.heard_at IS DISTINCT FROM OLD.heard_at AND NEW.state <> 'failed';
    stall uuid;
BEGIN
    IF OLD.current_task_id IS NULL OR NOT (is_unassigned OR is_heard) OR programs_is_history() THEN
        RETURN NULL;
    END IF;
    SELECT blocker_id INTO stall FROM blockers
    WHERE entity_type = 'task' AND entity_id = OLD.current_task_id
        AND classification = 'builder_stall' AND resolved_at IS NULL
    FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE blockers
        SET resolved_at = greatest(now(), detected_at), resolution_action = CASE
            WHEN is_unassigned THEN format('The task was unassigned from %s.', NEW.builder_id)
            ELSE format('%s reported again after %s.', NEW.builder_id,
                date_trunc('second', now() - builders_quiet_since(OLD, now())))
        END
        WHERE blocker_id = stall;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_follow_builders AFTER UPDATE ON builders
    FOR EACH ROW EXECUTE FUNCTION governance_follow_builders();
