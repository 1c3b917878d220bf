-- What a builder is at a moment: the one answer for lamp, inbox, gate, select and metrics.
--
-- `threshold` is the setting; a builder may have its own (builders_threshold). One that was
-- declared failed is silent until it is heard. Idle is who was heard, is not paused and has no
-- task, whatever its last heartbeat said of it: without a task nothing else can be meant.
--
-- The newest heartbeat is the last that the office received; of several at one moment, the last that
-- was sent. A sender's clock may have been set back since.
--
-- Whether a builder was ever heard is asked of the index on its newest heartbeat. EXISTS reads
-- heartbeats of all builders until one is its own: at once where it speaks often, all of them where
-- it never did.
CREATE OR REPLACE FUNCTION builders_verdict(builder text, threshold interval, at timestamptz)
RETURNS text LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT AS $$
DECLARE
    row builders;
    held record;
    newest heartbeats;
    allowed interval;
    counts_from timestamptz;
BEGIN
    SELECT * INTO row FROM builders WHERE builder_id = builder;
    IF EXISTS (
        SELECT FROM builder_pauses
        WHERE builder_id = builder AND started_at <= at AND at < coalesce(ended_at, ends_at)
    ) THEN
        RETURN 'paused';
    END IF;
    IF row.state = 'failed' THEN
        RETURN 'silent';
    END IF;
    IF row.current_task_id IS NULL THEN
        RETURN CASE WHEN builders_pulse(builder) IS NULL THEN 'never-heard' ELSE 'idle' END;
    END IF;
    allowed := builders_threshold(row, threshold);
    IF builders_quiet_since(row, at) < at - allowed THEN
        RETURN 'silent';
    END IF;
    counts_from := builders_counts_from(row, at);
    SELECT tasks.state, 'blocked' IN (waves.state, programs.state) AS is_held_up INTO held
    FROM tasks JOIN waves USING (wave_id) JOIN programs USING (program_id)
    WHERE task_id = row.current_task_id;
    SELECT * INTO newest FROM heartbeats
    WHERE builder_id = builder
    ORDER BY coalesce(received_at, timestamp) DESC, timestamp DESC LIMIT 1;
    RETURN CASE
        WHEN newest.heartbeat_id IS NULL AND row.heard_at IS NULL THEN 'never-heard'
        WHEN held.state IN ('assigned', 'in-progress') AND held.is_held_up THEN 'parent-blocked'
        WHEN held.state = 'assigned' AND counts_from >= at - allowed THEN 'starting'
        WHEN held.state = 'assigned' THEN 'not-begun'
        WHEN row.state = 'blocked' OR (row.state = 'idle' AND held.state = 'blocked') THEN 'waiting'
        WHEN row.state = 'idle' THEN 'idle-with-work'
        WHEN newest.task_id IS DISTINCT FROM row.current_task_id
            AND coalesce(newest.received_at, newest.timestamp) >= at - allowed
            AND greatest(counts_from, (
                SELECT coalesce(received_at, timestamp) FROM heartbeats
                WHERE task_id = row.current_task_id AND builder_id = builder
                ORDER BY coalesce(received_at, timestamp) DESC LIMIT 1
            )) < at - allowed
            THEN 'busy-elsewhere'
        WHEN (
            SELECT count(*) = 10 AND count(DISTINCT (status, progress_percentage, message)) = 1
                AND bool_and(task_id IS NOT DISTINCT FROM row.current_task_id)
                AND min(coalesce(received_at, timestamp)) >= builders_progressed_at(builder)
            FROM (
                SELECT * FROM heartbeats
                WHERE builder_id = builder
                ORDER BY coalesce(received_at, timestamp) DESC, timestamp DESC LIMIT 10
            ) AS last
        ) THEN 'spinning'
        ELSE 'working'
    END;
END $$;
