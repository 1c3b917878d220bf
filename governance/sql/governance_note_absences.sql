-- Record when the office was away since its last sweep. Silence of builders counts from the end of
-- an absence, because no heartbeat could be received before. Concurrent watchers record each
-- absence once.
--
-- Signs of life of the office are the last sweep (or the exit of the last watcher), each heartbeat
-- that it received since then, and now. From the last sweep to the first sign after it the office was
-- away if that took longer than three periods of a watcher, or longer than a second if every watcher
-- had left. Between later signs it was away if nothing was received for two minutes, which is twice
-- the agreed interval of heartbeats. So a watcher that slept while the web processes received
-- heartbeats excuses no silent builder. A watcher that has just been started was likely started with
-- the office: a stretch that ended within the last minute needs only to be longer than `shortest`.
--
-- It runs as the owner of the table, who alone adds to it: an absence excuses silence.
--
-- Heartbeats are found builder by builder, by the index on the time of their receipt.
CREATE OR REPLACE FUNCTION governance_note_absences(shortest interval)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    last_sign timestamptz;
    expected timestamptz;  -- when the next sign was due at the latest
BEGIN
    SELECT greatest(max(swept_at), CASE WHEN bool_and(left_at IS NOT NULL) THEN max(left_at) END),
        max(swept_at + period * 3) FILTER (WHERE left_at IS NULL)
    INTO last_sign, expected FROM watchers;
    expected := greatest(expected, last_sign + interval '1 second');
    IF last_sign IS NULL OR expected >= now() THEN
        RETURN;
    END IF;
    INSERT INTO office_absences (began_at, ended_at)
    SELECT began_at, ended_at FROM (
        SELECT lag(at) OVER (ORDER BY at) AS began_at, at AS ended_at
        FROM (
            VALUES (last_sign), (now())
            UNION ALL
            SELECT received_at FROM builders JOIN heartbeats USING (builder_id)
            WHERE coalesce(received_at, timestamp) > last_sign
                AND coalesce(received_at, timestamp) < now() AND received_at IS NOT NULL
        ) AS sign (at)
    ) AS stretch
    WHERE CASE WHEN began_at = last_sign THEN ended_at > expected
        WHEN ended_at > now() - interval '1 minute' THEN ended_at - began_at > shortest
        ELSE ended_at - began_at > interval '2 minutes' END
    -- An absence that was noted when the office opened goes on until the next sign.
    ON CONFLICT (began_at) DO UPDATE SET ended_at = EXCLUDED.ended_at
    WHERE office_absences.ended_at < EXCLUDED.ended_at;
END $$;
