-- Whether the sender's clock was set back: the heartbeat before this one by that clock was received
-- after the last one that was applied, and as much time has passed here as there since. Of several
-- late heartbeats that arrive at once that is not so. Looked for within an hour: a heartbeat that
-- announces the next one announces no more.
CREATE OR REPLACE FUNCTION builders_clock_was_set_back(known builders, beat heartbeats)
RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((
        SELECT beat.received_at - before.received_at
            >= greatest(interval '1 s', (beat.timestamp - before.timestamp) / 2)
        FROM heartbeats AS before
        WHERE before.builder_id = beat.builder_id AND before.heartbeat_id <> beat.heartbeat_id
            AND before.timestamp BETWEEN beat.timestamp - interval '1 hour' AND beat.timestamp
            AND before.timestamp <> before.received_at
            AND before.received_at
                > greatest(known.last_sent_at + known.clock_lag, known.stamped_at)
        ORDER BY before.timestamp DESC LIMIT 1
    ), false);
END;
