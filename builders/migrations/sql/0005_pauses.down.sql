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

DROP FUNCTION builders_verdict_since(text, text, timestamptz);
DROP FUNCTION builders_verdict(text, interval, timestamptz);
DROP FUNCTION builders_quiet_since(builders, timestamptz);
DROP FUNCTION builders_progressed_at(text);
DROP FUNCTION builders_pulse(text);
DROP TRIGGER builders_builder_pauses_elapsed ON builder_pauses;
DROP FUNCTION builders_builder_pauses_elapsed();
DROP FUNCTION builders_end_pauses(text);
DROP TRIGGER builders_builders_times ON builders;
DROP FUNCTION builders_builders_times();

ALTER TABLE builders DROP COLUMN assigned_at, DROP COLUMN state_since;
