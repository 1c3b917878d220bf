DROP TRIGGER builders_heartbeats_lock ON heartbeats;
DROP FUNCTION builders_heartbeats_lock();

CREATE OR REPLACE FUNCTION builders_heartbeats_apply() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor_before CONSTANT text := coalesce(current_setting('foreman.actor', true), '');
    held uuid;
BEGIN
    PERFORM set_config('foreman.actor', NEW.builder_id, true);

    UPDATE builders
    SET last_heartbeat = NEW.timestamp, state = NEW.status
    WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp
    RETURNING current_task_id INTO held;

    -- Looked at before it is touched: an UPDATE of no rows would still wake every trigger on tasks.
    IF held = NEW.task_id AND EXISTS (
        SELECT FROM tasks
        WHERE task_id = held
            AND state IN ('assigned', 'in-progress', 'blocked')
            AND (
                progress_percentage <> NEW.progress_percentage
                OR (state = 'assigned' AND NEW.status = 'active')
            )
    ) THEN
        UPDATE tasks
        SET progress_percentage = coalesce(NEW.progress_percentage, progress_percentage),
            state = CASE
                WHEN state = 'assigned' AND NEW.status = 'active' THEN 'in-progress' ELSE state
            END,
            started_at = CASE
                WHEN state = 'assigned' AND NEW.status = 'active'
                    THEN coalesce(started_at, NEW.timestamp)
                ELSE started_at
            END
        WHERE task_id = held AND state IN ('assigned', 'in-progress', 'blocked');
    END IF;

    PERFORM set_config('foreman.actor', actor_before, true);
    RETURN NULL;
END $$;
