-- From when silence counts: the last sign of life that the office received, or the time from which
-- signs are asked for (builders_counts_from).
CREATE OR REPLACE FUNCTION builders_quiet_since(builder builders, at timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT greatest(
        builder.heard_at, builder.last_heartbeat, builders_counts_from(builder, at)
    );
END;
