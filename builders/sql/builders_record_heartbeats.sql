-- Everything that heartbeats over HTTP need, in one round trip and one transaction for all that
-- arrived at the same moment: which builder sends, whether about itself and about a task that
-- exists, and the rows, each stored once however often it is sent.
--
-- `beats` is an array of objects. Returns for each, by its number, the stored row's id and time,
-- or the name of the rule that it breaks; triggers apply what a heartbeat changes.
--
-- Locks are taken as by single heartbeats, tasks before builders before waves, and in one order by all
-- callers with several: the builders of all of them before the first heartbeat moves a wave. A lock
-- that another transaction holds for long delays only the heartbeat that
-- needs it: an impatient caller is refused then, and sends each heartbeat separately.
--
-- With a token of an organisation, what belongs to another is not there: its task is unknown, and an id
-- that one of its heartbeats has is free; this one is stored under another id then, which follows from
-- both. While the builder holds a task of another organisation, the heartbeat is stored and moves nothing
-- (`foreman.token_organisation`; builders_heartbeats_apply).
--
-- Heartbeats are stored one after another: few arrive at the very same moment, and one statement
-- for all of them took longer to plan than to execute.
CREATE OR REPLACE FUNCTION builders_record_heartbeats(beats json, is_patient boolean)
RETURNS TABLE (number bigint, broken_rule text, stored_id uuid, stored_at timestamptz)
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    setting text;
    beat record;
    token builder_tokens;
    speaks_for uuid;
    key uuid;
    own_key uuid;
BEGIN
    IF NOT is_patient THEN
        setting := set_config('lock_timeout', '250ms', true);
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
        PERFORM 1 FROM builders
        WHERE builder_id IN (
            SELECT sent_builder FROM json_to_recordset(beats) AS sent (sent_builder text)
        )
        ORDER BY builder_id
        FOR NO KEY UPDATE;
    END IF;

    FOR beat IN
        SELECT *
        FROM ROWS FROM (json_to_recordset(beats) AS (
            token_digest bytea, sent_builder text, sent_task uuid, sent_status text,
            sent_message text, sent_progress integer, sent_id uuid, sent_at timestamptz,
            sent_next integer
        )) WITH ORDINALITY
        ORDER BY sent_builder, ordinality
    LOOP
        number := beat.ordinality;
        broken_rule := NULL;
        stored_id := NULL;
        stored_at := NULL;
        token := builders_token(beat.token_digest);
        IF token.builder_id IS NULL THEN
            broken_rule := 'valid_token';
        ELSIF token.builder_id <> beat.sent_builder THEN
            broken_rule := 'own_builder';
        ELSIF beat.sent_task IS NOT NULL THEN
            -- The lock of the foreign key, early: the task cannot go before the beat is in.
            PERFORM FROM tasks
            WHERE task_id = beat.sent_task
                AND (token.organisation_id IS NULL OR organisation_id = token.organisation_id)
            FOR KEY SHARE;
            IF NOT FOUND THEN
                broken_rule := 'known_task';
            END IF;
        END IF;
        IF broken_rule IS NULL THEN
            IF token.organisation_id IS DISTINCT FROM speaks_for THEN
                speaks_for := token.organisation_id;
                setting := set_config(
                    'foreman.token_organisation', coalesce(speaks_for::text, ''), true);
            END IF;
            key := coalesce(beat.sent_id, gen_random_uuid());
            own_key := md5(speaks_for::text || key::text)::uuid;
            IF beat.sent_task IS NULL AND speaks_for IS NOT NULL THEN
                key := own_key;  -- its row will not tell whose it is
            END IF;
            LOOP
                INSERT INTO heartbeats (
                    heartbeat_id, builder_id, task_id, timestamp, status, message,
                    progress_percentage, next_beat_within_seconds
                )
                VALUES (
                    key, beat.sent_builder, beat.sent_task,
                    coalesce(beat.sent_at, now()), beat.sent_status, beat.sent_message,
                    beat.sent_progress, beat.sent_next
                )
                ON CONFLICT (heartbeat_id) DO NOTHING
                RETURNING heartbeat_id, timestamp INTO stored_id, stored_at;
                EXIT WHEN stored_id IS NOT NULL OR speaks_for IS NULL OR key = own_key
                    OR EXISTS (
                        SELECT FROM heartbeats
                        WHERE heartbeat_id = key AND organisation_id = speaks_for
                    );
                key := own_key;
            END LOOP;
            IF stored_id IS NULL THEN
                -- Sent before, perhaps a moment ago by another connection: the INSERT has waited
                -- for it. A time that was left out then or now is no difference.
                SELECT heartbeat_id, timestamp INTO stored_id, stored_at
                FROM heartbeats
                WHERE heartbeat_id = key
                    AND builder_id = beat.sent_builder
                    AND task_id IS NOT DISTINCT FROM beat.sent_task
                    AND timestamp = coalesce(beat.sent_at, timestamp)
                    AND status = beat.sent_status
                    AND message IS NOT DISTINCT FROM beat.sent_message
                    AND progress_percentage IS NOT DISTINCT FROM beat.sent_progress
                    AND next_beat_within_seconds IS NOT DISTINCT FROM beat.sent_next;
                IF NOT FOUND THEN
                    broken_rule := 'heartbeat_id_used_once';
                END IF;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
    IF speaks_for IS NOT NULL THEN
        setting := set_config('foreman.token_organisation', '', true);
    END IF;
END $$;
