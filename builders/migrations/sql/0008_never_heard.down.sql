CREATE OR REPLACE FUNCTION builders_verdict(builder text, threshold interval, at timestamptz)
RETURNS text LANGUAGE plpgsql STABLE AS $$
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
