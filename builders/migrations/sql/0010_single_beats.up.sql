-- As before, without a statement for naming the builder and one for taking its name back.
CREATE OR REPLACE FUNCTION builders_heartbeats_apply() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor_before CONSTANT text := coalesce(current_setting('foreman.actor', true), '');
    actor text := set_config('foreman.actor', NEW.builder_id, true);
    holds boolean;
    begins boolean;
BEGIN
    UPDATE builders SET last_heartbeat = NEW.timestamp
    WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp AND state = NEW.status
    RETURNING current_task_id = NEW.task_id, NEW.status = 'active' AND EXISTS (
        SELECT FROM tasks WHERE task_id = NEW.task_id AND tasks.state = 'assigned'
    ) INTO holds, begins;
    IF NOT FOUND THEN
        UPDATE builders SET last_heartbeat = NEW.timestamp, state = NEW.status
        WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp
        RETURNING current_task_id = NEW.task_id, NEW.status = 'active' INTO holds, begins;
    END IF;

    -- Asked when the builder is ours, and the last word of another beat about it has been said.
    IF holds AND NEW.progress_percentage IS NOT NULL AND EXISTS (
        SELECT FROM tasks
        WHERE task_id = NEW.task_id
            AND state IN ('assigned', 'in-progress', 'blocked')
            AND progress_percentage <> NEW.progress_percentage
    ) THEN
        UPDATE tasks
        SET progress_percentage = NEW.progress_percentage, worked_at = NEW.timestamp
        WHERE task_id = NEW.task_id AND state IN ('assigned', 'in-progress', 'blocked');
    END IF;
    IF holds AND begins AND EXISTS (
        SELECT FROM tasks WHERE task_id = NEW.task_id AND state = 'assigned'
    ) THEN
        BEGIN
            UPDATE tasks
            SET state = 'in-progress', started_at = coalesce(started_at, NEW.timestamp)
            WHERE task_id = NEW.task_id AND state = 'assigned';
        EXCEPTION WHEN check_violation THEN
            NULL;  -- its wave or program does not let it begin yet; the next beat asks again
        END;
    END IF;

    actor := set_config('foreman.actor', actor_before, true);
    RETURN NULL;
END $$;


-- As before, one beat after another: few come in at the very same moment, and one question about
-- all of them took longer to begin than to answer.
CREATE OR REPLACE FUNCTION builders_record_heartbeats(beats json, is_patient boolean)
RETURNS TABLE (number bigint, broken_rule text, stored_id uuid, stored_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    limited text;
    beat record;
    speaker text;
BEGIN
    IF NOT is_patient THEN
        limited := set_config('lock_timeout', '250ms', true);
    END IF;
    IF json_array_length(beats) > 1 THEN
        PERFORM 1
        FROM json_to_recordset(beats)
            AS sent (sent_builder text, sent_status text, sent_progress integer)
        JOIN builders ON builder_id = sent_builder
        JOIN tasks ON task_id = current_task_id
        WHERE progress_percentage <> sent_progress
            OR (tasks.state = 'assigned' AND sent_status = 'active')
            OR tasks.state = 'blocked'
            OR builders.state = 'failed'
        ORDER BY task_id
        FOR NO KEY UPDATE OF tasks;
    END IF;

    FOR beat IN
        SELECT *
        FROM ROWS FROM (json_to_recordset(beats) AS (
            token_digest bytea, sent_builder text, sent_task uuid, sent_status text,
            sent_message text, sent_progress integer, sent_id uuid, sent_at timestamptz
        )) WITH ORDINALITY
        ORDER BY sent_builder, ordinality
    LOOP
        number := beat.ordinality;
        broken_rule := NULL;
        stored_id := NULL;
        stored_at := NULL;
        speaker := builders_authenticate(beat.token_digest);
        IF speaker IS NULL THEN
            broken_rule := 'valid_token';
        ELSIF speaker <> beat.sent_builder THEN
            broken_rule := 'own_builder';
        ELSIF beat.sent_task IS NOT NULL THEN
            -- The lock of the foreign key, early: the task cannot go before the beat is in.
            PERFORM FROM tasks WHERE task_id = beat.sent_task FOR KEY SHARE;
            IF NOT FOUND THEN
                broken_rule := 'known_task';
            END IF;
        END IF;
        IF broken_rule IS NULL THEN
            INSERT INTO heartbeats (
                heartbeat_id, builder_id, task_id, timestamp, status, message, progress_percentage
            )
            VALUES (
                coalesce(beat.sent_id, gen_random_uuid()), beat.sent_builder, beat.sent_task,
                coalesce(beat.sent_at, now()), beat.sent_status, beat.sent_message,
                beat.sent_progress
            )
            ON CONFLICT (heartbeat_id) DO NOTHING
            RETURNING heartbeat_id, timestamp INTO stored_id, stored_at;
            IF NOT FOUND THEN
                -- Sent before, perhaps a moment ago by another connection: the INSERT has waited
                -- for it. A time that was left out then or now is no difference.
                SELECT heartbeat_id, timestamp INTO stored_id, stored_at
                FROM heartbeats
                WHERE heartbeat_id = beat.sent_id
                    AND builder_id = beat.sent_builder
                    AND task_id IS NOT DISTINCT FROM beat.sent_task
                    AND timestamp = coalesce(beat.sent_at, timestamp)
                    AND status = beat.sent_status
                    AND message IS NOT DISTINCT FROM beat.sent_message
                    AND progress_percentage IS NOT DISTINCT FROM beat.sent_progress;
                IF NOT FOUND THEN
                    broken_rule := 'heartbeat_id_used_once';
                END IF;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
