-- When its last blocker is resolved, an entity returns to its previous state. A task that was
-- unassigned meanwhile becomes planned.
CREATE OR REPLACE FUNCTION governance_unblock(kind text, id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    before text;
BEGIN
    -- Locked before the check: of the last two that are resolved at once, the later sees the
    -- earlier.
    PERFORM 1 FROM programs WHERE kind = 'program' AND program_id = id FOR NO KEY UPDATE;
    PERFORM 1 FROM waves WHERE kind = 'wave' AND wave_id = id FOR NO KEY UPDATE;
    PERFORM 1 FROM tasks WHERE kind = 'task' AND task_id = id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM blockers WHERE entity_type = kind AND entity_id = id AND resolved_at IS NULL
    ) THEN
        RETURN;
    END IF;
    before := governance_state_before_block(kind, id);
    UPDATE programs SET state = before
    WHERE kind = 'program' AND program_id = id AND state = 'blocked';
    UPDATE waves SET state = before
    WHERE kind = 'wave' AND wave_id = id AND state = 'blocked';
    UPDATE tasks SET state = CASE
        WHEN assigned_builder IS NULL
            OR EXISTS (SELECT FROM builders WHERE current_task_id = task_id)
        THEN before ELSE 'planned' END
    WHERE kind = 'task' AND task_id = id AND state = 'blocked';
END $$;
