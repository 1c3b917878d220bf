-- Count data points of a builder once, however often and in whatever order they come.
--
-- `points` is an array of objects. A point is known by its series, start and time: the same again
-- is a repetition, and differs if its value is another. What a set of points counts for does not
-- depend on their order: a delta counts for itself, and a cumulative point for what its series has
-- counted since the point before it. One that comes late takes its share from the point behind it.
--
-- Exports of one builder are counted one after another. Whoever only reads is not in their way, nor
-- is a heartbeat.
CREATE OR REPLACE FUNCTION builders_count_usage(
    builder text, points json, OUT counted bigint, OUT repeated bigint, OUT differing bigint
)
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    metric CONSTANT integer := 3;  -- UsageSource
    point record;
    known record;
    before record;
    later record;
    step numeric;
    moved numeric;
    hour_of timestamptz;
BEGIN
    counted := 0;
    repeated := 0;
    differing := 0;
    PERFORM pg_advisory_xact_lock(hashtext('usage_sessions'), hashtext(builder));

    INSERT INTO usage_sessions AS old (builder_id, service, session, tokens_from, cost_from)
    SELECT builder, sent.service, sent.session,
        coalesce(max(sent.source) FILTER (WHERE sent.kind <> 'cost'), 0),
        coalesce(max(sent.source) FILTER (WHERE sent.kind = 'cost'), 0)
    FROM json_to_recordset(points)
        AS sent (service text, session text, source integer, kind text)
    GROUP BY sent.service, sent.session
    ON CONFLICT (builder_id, service, session) DO UPDATE
    SET tokens_from = greatest(old.tokens_from, excluded.tokens_from),
        cost_from = greatest(old.cost_from, excluded.cost_from),
        seen_at = now();

    -- Metrics that name no session are of all sessions of the time: their logs tell the same.
    UPDATE usage_sessions AS named
    SET tokens_from = greatest(named.tokens_from, nameless.tokens_from),
        cost_from = greatest(named.cost_from, nameless.cost_from)
    FROM usage_sessions AS nameless
    WHERE named.builder_id = builder AND nameless.builder_id = builder
        AND named.service = nameless.service
        AND named.session <> '' AND nameless.session = ''
        AND named.seen_at > now() - interval '1 day'
        AND nameless.seen_at > now() - interval '1 day'
        AND ((nameless.tokens_from >= metric AND named.tokens_from < nameless.tokens_from)
            OR (nameless.cost_from >= metric AND named.cost_from < nameless.cost_from));

    INSERT INTO usage_series (usage_session_id, digest, is_cumulative)
    SELECT DISTINCT usage_session_id, sent.digest, sent.is_cumulative
    FROM json_to_recordset(points)
        AS sent (service text, session text, digest bytea, is_cumulative boolean)
    JOIN usage_sessions AS held
        ON held.builder_id = builder AND held.service = sent.service
        AND held.session = sent.session
    ON CONFLICT (usage_session_id, digest) DO UPDATE SET seen_at = now();

    FOR point IN
        SELECT sent.*, usage_series_id, held.usage_session_id
        FROM ROWS FROM (json_to_recordset(points) AS (
            service text, session text, source integer, digest bytea, is_cumulative boolean,
            model text, kind text, part_of text, started_ns bigint, at_ns bigint, value numeric,
            task uuid, price numeric, part_price numeric
        )) WITH ORDINALITY AS sent
        JOIN usage_sessions AS held
            ON held.builder_id = builder AND held.service = sent.service
            AND held.session = sent.session
        JOIN usage_series USING (usage_session_id, digest)
        ORDER BY ordinality
    LOOP
        SELECT value INTO known FROM usage_points
        WHERE usage_series_id = point.usage_series_id AND started_ns = point.started_ns
            AND at_ns = point.at_ns;
        IF FOUND THEN
            repeated := repeated + 1;
            differing := differing + (known.value <> point.value)::integer;
            CONTINUE;
        END IF;
        hour_of := date_trunc(
            'hour', least(to_timestamp(point.at_ns / 1000000000.0), now()), 'UTC');
        step := point.value;
        IF point.is_cumulative THEN
            SELECT value INTO before FROM usage_points
            WHERE usage_series_id = point.usage_series_id AND started_ns = point.started_ns
                AND at_ns < point.at_ns
            ORDER BY at_ns DESC LIMIT 1;
            SELECT * INTO later FROM usage_points
            WHERE usage_series_id = point.usage_series_id AND started_ns = point.started_ns
                AND at_ns > point.at_ns
            ORDER BY at_ns LIMIT 1;
            IF before.value IS NULL AND later.counted <> later.value THEN
                -- What came before the later point was counted, and is no longer kept.
                repeated := repeated + 1;
                CONTINUE;
            END IF;
            step := builders_usage_step(before.value, point.value);
            IF later.value IS NOT NULL THEN
                moved := builders_usage_step(point.value, later.value) - later.counted;
                UPDATE usage_points SET counted = usage_points.counted + moved
                WHERE usage_series_id = point.usage_series_id AND started_ns = point.started_ns
                    AND at_ns = later.at_ns;
                PERFORM builders_add_usage(
                    point.usage_session_id, builder, later.task_id, point.model, point.kind,
                    point.source, later.hour, moved, point.price);
                IF point.part_of IS NOT NULL THEN
                    PERFORM builders_add_usage(
                        point.usage_session_id, builder, later.task_id, point.model, point.part_of,
                        point.source, later.hour, -moved, point.part_price);
                END IF;
            END IF;
        END IF;
        INSERT INTO usage_points
            (usage_series_id, started_ns, at_ns, value, counted, task_id, hour)
        VALUES (point.usage_series_id, point.started_ns, point.at_ns, point.value, step, point.task,
            hour_of);
        PERFORM builders_add_usage(
            point.usage_session_id, builder, point.task, point.model, point.kind, point.source,
            hour_of, step, point.price);
        IF point.part_of IS NOT NULL THEN
            PERFORM builders_add_usage(
                point.usage_session_id, builder, point.task, point.model, point.part_of,
                point.source, hour_of, -step, point.part_price);
        END IF;
        counted := counted + 1;
    END LOOP;
END $$;
