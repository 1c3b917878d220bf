-- Since when a builder has been in its state, and has had its task in hand: an old beat is no
-- silence for one that was given work a moment ago. A time that the writer gives is kept.
ALTER TABLE builders
    ADD COLUMN state_since timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN assigned_at timestamptz;

CREATE FUNCTION builders_builders_times() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND NEW.state_since = OLD.state_since THEN
        NEW.state_since := CASE
            WHEN NEW.last_heartbeat > OLD.last_heartbeat THEN NEW.last_heartbeat ELSE now()
        END;
    END IF;
    IF NEW.current_task_id IS DISTINCT FROM OLD.current_task_id
        AND NEW.assigned_at IS NOT DISTINCT FROM OLD.assigned_at
    THEN
        NEW.assigned_at := CASE WHEN NEW.current_task_id IS NOT NULL THEN now() END;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER builders_builders_times BEFORE UPDATE ON builders
    FOR EACH ROW EXECUTE FUNCTION builders_builders_times();


-- A pause that is over by time is written down as ended before the next one begins.
CREATE FUNCTION builders_end_pauses(builder text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    UPDATE builder_pauses SET ended_at = ends_at
    WHERE ended_at IS NULL AND ends_at <= now() AND builder_id = coalesce(builder, builder_id)
$$;

CREATE FUNCTION builders_builder_pauses_elapsed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM builders_end_pauses(NEW.builder_id);
    RETURN NEW;
END $$;

CREATE TRIGGER builders_builder_pauses_elapsed BEFORE INSERT ON builder_pauses
    FOR EACH ROW EXECUTE FUNCTION builders_builder_pauses_elapsed();


-- The pulse: when the builder was last heard. `last_heartbeat` of one that never was tells when its
-- row was made.
CREATE FUNCTION builders_pulse(builder text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT timestamp FROM heartbeats WHERE builder_id = builder ORDER BY timestamp DESC LIMIT 1
$$;

-- The progress clock: the last change that counts on the task in hand, or when it was given.
-- Governance adds the tests that pass.
CREATE FUNCTION builders_progressed_at(builder text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT greatest(assigned_at, worked_at)
    FROM builders JOIN tasks ON task_id = current_task_id WHERE builder_id = builder
$$;

-- From when silence counts: the last beat, being given the task, or the end of the last pause.
CREATE FUNCTION builders_quiet_since(builder builders, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT greatest(builder.last_heartbeat, builder.assigned_at, (
        SELECT max(coalesce(ended_at, ends_at)) FROM builder_pauses AS pause
        WHERE pause.builder_id = builder.builder_id AND coalesce(ended_at, ends_at) <= at
    ))
$$;

-- What a builder's silence or speech means, at a moment. One that was declared failed is silent
-- until it is heard. One with empty hands may be quiet as long as it likes: what it said of itself
-- no longer counts then.
CREATE FUNCTION builders_verdict(builder text, threshold interval, at timestamptz) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    row builders;
    quiet boolean;
BEGIN
    SELECT * INTO row FROM builders WHERE builder_id = builder;
    quiet := builders_quiet_since(row, at) < at - threshold;
    RETURN CASE
        WHEN EXISTS (
            SELECT FROM builder_pauses
            WHERE builder_id = builder
                AND started_at <= at AND at < coalesce(ended_at, ends_at)
        ) THEN 'paused'
        WHEN row.state = 'failed' OR (quiet AND row.current_task_id IS NOT NULL) THEN 'silent'
        WHEN NOT EXISTS (SELECT FROM heartbeats WHERE builder_id = builder) THEN 'never-heard'
        WHEN quiet OR row.state = 'idle' THEN 'idle'
        WHEN row.state = 'blocked' THEN 'waiting'
        WHEN (
            SELECT count(*) = 10 AND count(DISTINCT (status, progress_percentage, message)) = 1
                AND bool_and(task_id IS NOT DISTINCT FROM row.current_task_id)
                AND min(timestamp) >= builders_progressed_at(builder)
            FROM (
                SELECT * FROM heartbeats
                WHERE builder_id = builder ORDER BY timestamp DESC LIMIT 10
            ) AS last
        ) THEN 'spinning'
        ELSE 'working'
    END;
END $$;

-- Since when the verdict holds. A builder spins since it last got on.
CREATE FUNCTION builders_verdict_since(builder text, verdict text, at timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE verdict
        WHEN 'paused' THEN (
            SELECT max(started_at) FROM builder_pauses AS pause
            WHERE pause.builder_id = builders.builder_id AND started_at <= at
        )
        WHEN 'silent' THEN builders_quiet_since(builders, at)
        WHEN 'never-heard' THEN coalesce(assigned_at, created_at)
        WHEN 'spinning' THEN builders_progressed_at(builder)
        ELSE state_since
    END
    FROM builders WHERE builder_id = builder
$$;


-- As before, except that the beat which ends a stall locks its task too, before the builder: the
-- task goes back to where it was.
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
