-- The pulse: when the office last heard the builder. Of a builder that was last heard before the
-- office noted that, its newest heartbeat tells. `last_heartbeat` of one that never was heard tells
-- when its row was made, whatever heartbeats an import recorded.
CREATE OR REPLACE FUNCTION builders_pulse(builder text) RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(
        (SELECT heard_at FROM builders WHERE builder_id = builder),
        (
            SELECT coalesce(received_at, timestamp) FROM heartbeats
            WHERE builder_id = builder AND EXISTS (
                SELECT FROM builders AS own
                WHERE own.builder_id = builder AND own.last_heartbeat <> own.created_at
            ) ORDER BY coalesce(received_at, timestamp) DESC LIMIT 1
        )
    );
END;
