-- Since when the verdict holds. A builder spins since it last got on; what concerns its task counts
-- from the assignment at the earliest. A stall that was declared goes on while the office is closed.
CREATE OR REPLACE FUNCTION builders_verdict_since(builder text, verdict text, at timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN verdict = 'paused' THEN (
            SELECT max(started_at) FROM builder_pauses AS pause
            WHERE pause.builder_id = builders.builder_id AND started_at <= at
        )
        WHEN verdict = 'silent' THEN
            least(builders_quiet_since(builders, at), CASE state WHEN 'failed' THEN state_since END)
        WHEN verdict = 'never-heard' THEN coalesce(assigned_at, created_at)
        WHEN verdict = 'spinning' THEN builders_progressed_at(builder)
        WHEN verdict IN ('starting', 'not-begun') THEN assigned_at
        WHEN verdict = 'busy-elsewhere' THEN greatest(assigned_at, (
            SELECT coalesce(received_at, timestamp) FROM heartbeats
            WHERE task_id = current_task_id AND heartbeats.builder_id = builder
            ORDER BY coalesce(received_at, timestamp) DESC LIMIT 1
        ))
        WHEN verdict = 'idle' THEN state_since
        ELSE greatest(state_since, assigned_at)
    END
    FROM builders WHERE builder_id = builder;
END;
