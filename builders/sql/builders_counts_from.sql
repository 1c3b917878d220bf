-- The time from which a builder had to give signs of life and make progress on its task: the
-- assignment, the end of its last pause, or the end of the office's own last absence, in which no
-- heartbeat could be received.
CREATE OR REPLACE FUNCTION builders_counts_from(builder builders, at timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT greatest(builder.assigned_at, (
        SELECT max(coalesce(ended_at, ends_at)) FROM builder_pauses AS pause
        WHERE pause.builder_id = builder.builder_id AND coalesce(ended_at, ends_at) <= at
    ), (
        SELECT ended_at FROM office_absences WHERE ended_at <= at ORDER BY ended_at DESC LIMIT 1
    ));
END;
