-- As before, with three differences. The task is locked before the builder, which is the order of
-- everything that moves a task, so that a beat and a completion cannot wait for each other. What
-- the rules say about tasks is no ground to refuse a true report: the beat is kept, the task stays
-- as it is. And the time of the last work is noted: the last beat that changed the progress.
CREATE OR REPLACE FUNCTION builders_heartbeats_apply() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor_before CONSTANT text := coalesce(current_setting('foreman.actor', true), '');
    held uuid;
    moves boolean;
BEGIN
    PERFORM set_config('foreman.actor', NEW.builder_id, true);

    -- Most beats say nothing new about their task; only the others lock it.
    SELECT true INTO moves FROM tasks
    WHERE task_id = NEW.task_id
        AND state IN ('assigned', 'in-progress', 'blocked')
        AND (
            progress_percentage <> NEW.progress_percentage
            OR (state = 'assigned' AND NEW.status = 'active')
        );
    IF moves THEN
        PERFORM 1 FROM tasks WHERE task_id = NEW.task_id FOR NO KEY UPDATE;
    END IF;

    UPDATE builders
    SET last_heartbeat = NEW.timestamp, state = NEW.status
    WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp
    RETURNING current_task_id INTO held;

    IF moves AND held = NEW.task_id THEN
        UPDATE tasks
        SET progress_percentage = NEW.progress_percentage, worked_at = NEW.timestamp
        WHERE task_id = held
            AND state IN ('assigned', 'in-progress', 'blocked')
            AND progress_percentage <> NEW.progress_percentage;
        BEGIN
            UPDATE tasks
            SET state = 'in-progress', started_at = coalesce(started_at, NEW.timestamp)
            WHERE task_id = held AND state = 'assigned' AND NEW.status = 'active';
        EXCEPTION WHEN check_violation THEN
            NULL;  -- its wave or program does not let it begin yet; the next beat asks again
        END;
    END IF;

    PERFORM set_config('foreman.actor', actor_before, true);
    RETURN NULL;
END $$;


-- The task that a beat moves is locked before the beat is in, because the foreign key of the row
-- then holds on to the builder, whom a completion at the same time lets go after locking the task.
CREATE FUNCTION builders_heartbeats_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM tasks
    WHERE task_id = (SELECT current_task_id FROM builders WHERE builder_id = NEW.builder_id)
        AND (
            progress_percentage <> NEW.progress_percentage
            OR (state = 'assigned' AND NEW.status = 'active')
            OR state = 'blocked'
        )
    FOR NO KEY UPDATE;
    RETURN NEW;
END $$;

CREATE TRIGGER builders_heartbeats_lock BEFORE INSERT ON heartbeats
    FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_lock();
