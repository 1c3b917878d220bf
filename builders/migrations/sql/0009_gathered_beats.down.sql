CREATE OR REPLACE FUNCTION builders_heartbeats_lock() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION builders_heartbeats_apply() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor_before CONSTANT text := coalesce(current_setting('foreman.actor', true), '');
    moving uuid;
    held uuid;
BEGIN
    PERFORM set_config('foreman.actor', NEW.builder_id, true);

    -- Most beats say nothing new about their task; only the others lock it.
    SELECT task_id INTO moving
    FROM builders JOIN tasks ON task_id = current_task_id
    WHERE builder_id = NEW.builder_id
        AND tasks.state IN ('assigned', 'in-progress', 'blocked')
        AND (
            builders.state = 'failed'
            OR task_id = NEW.task_id AND progress_percentage <> NEW.progress_percentage
            OR task_id = NEW.task_id AND tasks.state = 'assigned' AND NEW.status = 'active'
        );
    IF FOUND THEN
        PERFORM 1 FROM tasks WHERE task_id = moving FOR NO KEY UPDATE;
    END IF;

    UPDATE builders
    SET last_heartbeat = NEW.timestamp, state = NEW.status
    WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp
    RETURNING current_task_id INTO held;

    IF moving = held AND held = NEW.task_id THEN
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

DROP TRIGGER builders_builders_times ON builders;
CREATE TRIGGER builders_builders_times BEFORE UPDATE ON builders
    FOR EACH ROW EXECUTE FUNCTION builders_builders_times();

CREATE OR REPLACE FUNCTION builders_record_heartbeat(
    token_digest bytea,
    sent_builder text,
    sent_task uuid,
    sent_status text,
    sent_message text,
    sent_progress integer,
    sent_id uuid,
    sent_at timestamptz,
    OUT broken_rule text,
    OUT stored_id uuid,
    OUT stored_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    speaker CONSTANT text := builders_authenticate(token_digest);
BEGIN
    IF speaker IS NULL THEN
        broken_rule := 'valid_token';
        RETURN;
    END IF;
    IF speaker <> sent_builder THEN
        broken_rule := 'own_builder';
        RETURN;
    END IF;
    IF sent_task IS NOT NULL THEN
        -- The lock of the foreign key, taken early: the task cannot go before the beat is in.
        PERFORM FROM tasks WHERE task_id = sent_task FOR KEY SHARE;
        IF NOT FOUND THEN
            broken_rule := 'known_task';
            RETURN;
        END IF;
    END IF;

    INSERT INTO heartbeats (
        heartbeat_id, builder_id, task_id, timestamp, status, message, progress_percentage
    ) VALUES (
        coalesce(sent_id, gen_random_uuid()), sent_builder, sent_task, coalesce(sent_at, now()),
        sent_status, sent_message, sent_progress
    )
    ON CONFLICT (heartbeat_id) DO NOTHING
    RETURNING heartbeat_id, timestamp INTO stored_id, stored_at;
    IF FOUND THEN
        RETURN;
    END IF;

    -- Sent before, perhaps a moment ago by another connection: the INSERT has waited for it, and
    -- this statement sees it. A time that was left out then or now is no difference.
    SELECT heartbeat_id, timestamp INTO stored_id, stored_at
    FROM heartbeats
    WHERE heartbeat_id = sent_id
        AND builder_id = sent_builder
        AND task_id IS NOT DISTINCT FROM sent_task
        AND timestamp = coalesce(sent_at, timestamp)
        AND status = sent_status
        AND message IS NOT DISTINCT FROM sent_message
        AND progress_percentage IS NOT DISTINCT FROM sent_progress;
    IF NOT FOUND THEN
        broken_rule := 'heartbeat_id_used_once';
    END IF;
END $$;

DROP FUNCTION builders_record_heartbeats(json, boolean);
