-- Whether a heartbeat speaks for its builder as it is now: later than what was applied last, by the
-- same clock; and, where the builder was declared silent, sent after that. `known` is the builder
-- before the heartbeat. See builders_heartbeats_apply.
CREATE OR REPLACE FUNCTION builders_is_in_order(known builders, beat heartbeats)
RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN stamped THEN received >= coalesce(known.heard_at, known.last_heartbeat)
            ELSE (
                beat.timestamp >= coalesce(known.last_sent_at, beat.timestamp)
                AND sent >= coalesce(known.stamped_at, '-infinity')
            ) OR builders_clock_was_set_back(known, beat)
        END
        AND (
            known.state <> 'failed' OR sent >= known.state_since
            OR known.heard_at > known.state_since
        )
    FROM (SELECT coalesce(beat.received_at, beat.timestamp)) AS arrival (received)
    CROSS JOIN LATERAL (SELECT beat.timestamp = received) AS own (stamped)
    -- When it was sent, by the office's clock, as far as is known.
    CROSS JOIN LATERAL (SELECT CASE
        WHEN stamped THEN received
        WHEN known.clock_lag IS NOT NULL THEN beat.timestamp + known.clock_lag
        WHEN known.stamped_at IS NOT NULL THEN beat.timestamp
        ELSE received
    END) AS departure (sent);
END;
