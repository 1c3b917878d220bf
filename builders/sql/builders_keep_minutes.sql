-- Heartbeats are counted by the minute of their receipt, for each builder and task, with the
-- statement that writes or removes them: pages then read minutes, however many heartbeats came.
--
-- What comes is added. Of what goes, minutes that become empty are removed, and the others counted
-- anew, by a statement that sees what was committed before their locks. Minutes are locked in one
-- order; a heartbeat that is applied has locked its builder before.
--
-- It runs as the owner of the table, who alone writes it.
CREATE OR REPLACE FUNCTION builders_keep_minutes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM heartbeat_minutes;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO heartbeat_minutes AS kept (
            builder_id, task_id, minute, beats, idle, blocked, progress, first_at, last_at,
            last_announced_seconds
        )
        SELECT builder_id, task_id, date_bin('1 minute', received, 'epoch') AS minute,
            count(*), count(*) FILTER (WHERE status = 'idle'),
            count(*) FILTER (WHERE status = 'blocked'), max(progress_percentage),
            min(received), max(received),
            (array_agg(next_beat_within_seconds
                ORDER BY received DESC, next_beat_within_seconds DESC NULLS LAST))[1]
        FROM (SELECT *, coalesce(received_at, timestamp) AS received FROM new_rows) AS new
        GROUP BY builder_id, task_id, minute
        ORDER BY builder_id, minute, task_id
        ON CONFLICT (builder_id, minute, task_id) DO UPDATE
        SET beats = kept.beats + EXCLUDED.beats,
            idle = kept.idle + EXCLUDED.idle,
            blocked = kept.blocked + EXCLUDED.blocked,
            progress = greatest(kept.progress, EXCLUDED.progress),
            first_at = least(kept.first_at, EXCLUDED.first_at),
            last_at = greatest(kept.last_at, EXCLUDED.last_at),
            last_announced_seconds = CASE
                WHEN EXCLUDED.last_at > kept.last_at THEN EXCLUDED.last_announced_seconds
                WHEN EXCLUDED.last_at < kept.last_at THEN kept.last_announced_seconds
                ELSE greatest(kept.last_announced_seconds, EXCLUDED.last_announced_seconds)
                END;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM 1
        FROM heartbeat_minutes AS kept
        WHERE (builder_id, minute) IN (
            SELECT builder_id, date_bin('1 minute', coalesce(received_at, timestamp), 'epoch')
            FROM old_rows
        )
        ORDER BY builder_id, minute, task_id
        FOR UPDATE;
        DELETE FROM heartbeat_minutes AS kept
        USING (
            SELECT builder_id, task_id,
                date_bin('1 minute', coalesce(received_at, timestamp), 'epoch') AS minute,
                count(*) AS beats
            FROM old_rows GROUP BY 1, 2, 3
        ) AS gone
        WHERE kept.builder_id = gone.builder_id AND kept.minute = gone.minute
            AND kept.task_id IS NOT DISTINCT FROM gone.task_id AND kept.beats <= gone.beats;
        UPDATE heartbeat_minutes AS kept
        SET (beats, idle, blocked, progress, first_at, last_at, last_announced_seconds) = (
            SELECT count(*), count(*) FILTER (WHERE status = 'idle'),
                count(*) FILTER (WHERE status = 'blocked'), max(progress_percentage),
                min(received), max(received),
                (array_agg(next_beat_within_seconds
                    ORDER BY received DESC, next_beat_within_seconds DESC NULLS LAST))[1]
            FROM heartbeats CROSS JOIN LATERAL (
                SELECT coalesce(received_at, timestamp)
            ) AS arrival (received)
            WHERE heartbeats.builder_id = kept.builder_id
                AND heartbeats.task_id IS NOT DISTINCT FROM kept.task_id
                AND coalesce(received_at, timestamp) >= kept.minute
                AND coalesce(received_at, timestamp) < kept.minute + interval '1 minute'
        )
        WHERE (builder_id, minute) IN (
            SELECT builder_id, date_bin('1 minute', coalesce(received_at, timestamp), 'epoch')
            FROM old_rows
        );
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER builders_keep_minutes_inserted AFTER INSERT ON heartbeats
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION builders_keep_minutes();

CREATE OR REPLACE TRIGGER builders_keep_minutes_updated AFTER UPDATE ON heartbeats
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION builders_keep_minutes();

CREATE OR REPLACE TRIGGER builders_keep_minutes_deleted AFTER DELETE ON heartbeats
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION builders_keep_minutes();

CREATE OR REPLACE TRIGGER builders_keep_minutes_truncated AFTER TRUNCATE ON heartbeats
    FOR EACH STATEMENT EXECUTE FUNCTION builders_keep_minutes();
