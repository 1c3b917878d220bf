-- Who speaks with this token, or NULL. That it was used is written down once a minute at most, so
-- that a beat does not cost a second row.
CREATE FUNCTION builders_authenticate(token_digest bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    token builder_tokens;
BEGIN
    SELECT * INTO token FROM builder_tokens WHERE digest = token_digest AND revoked_at IS NULL;
    IF coalesce(token.last_used_at, '-infinity') < now() - interval '1 minute' THEN
        UPDATE builder_tokens SET last_used_at = now()
        WHERE token_id = token.token_id
            AND coalesce(last_used_at, '-infinity') < now() - interval '1 minute';
    END IF;
    RETURN token.builder_id;
END $$;


-- Everything that a beat over HTTP needs, in one round trip: who speaks, whether of itself and of a
-- task that exists, and the row, stored once however often it is sent.
--
-- Returns the stored row's id and time, or the name of the rule that the beat breaks; what the
-- beat means is the business of the triggers on the table.
CREATE FUNCTION builders_record_heartbeat(
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


-- A builder changes its token without a gap: the old one is good until the new one is in place.
-- More than two would be tokens that nobody remembers.
CREATE FUNCTION builders_builder_tokens_two_valid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Locked before counting, so that the second of two at once sees the first.
    PERFORM FROM builders WHERE builder_id = NEW.builder_id FOR NO KEY UPDATE;
    IF (
        SELECT count(*) FROM builder_tokens
        WHERE builder_id = NEW.builder_id AND revoked_at IS NULL AND token_id <> NEW.token_id
    ) >= 2 THEN
        RAISE EXCEPTION 'The builder % has two valid tokens: revoke one first.', NEW.builder_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_builder_tokens_two_valid',
                TABLE = 'builder_tokens';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER builders_builder_tokens_two_valid
    BEFORE INSERT OR UPDATE OF builder_id, revoked_at ON builder_tokens
    FOR EACH ROW WHEN (NEW.revoked_at IS NULL)
    EXECUTE FUNCTION builders_builder_tokens_two_valid();
