-- Add to what an hour used, by the kind of the point and by the kind that it is a part of: what is
-- read from a cache is no other input. `price` is in US dollars for one of the kind. What comes after
-- its hour is also noted by the hour in which it came.
CREATE OR REPLACE FUNCTION builders_add_usage(
    session_id bigint, builder text, task uuid, model text, kind text, source integer,
    hour timestamptz, amount numeric, price numeric
)
RETURNS void LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO usage_hours AS known (
        usage_session_id, builder_id, task_id, model, kind, source, hour, amount, estimate, unpriced
    )
    SELECT session_id, builder, task, model, kind, source, hour, amount,
        CASE kind WHEN 'cost' THEN 0 ELSE round(coalesce(amount * price, 0), 12) END,
        CASE WHEN kind <> 'cost' AND price IS NULL THEN amount ELSE 0 END
    WHERE amount <> 0
    ON CONFLICT (usage_session_id, task_id, model, kind, source, hour) DO UPDATE
    SET amount = known.amount + excluded.amount,
        estimate = known.estimate + excluded.estimate,
        unpriced = known.unpriced + excluded.unpriced;

    INSERT INTO usage_arrivals AS known (usage_hour_id, received_hour, amount, estimate)
    SELECT usage_hour_id, date_trunc('hour', now(), 'UTC'), builders_add_usage.amount,
        CASE builders_add_usage.kind WHEN 'cost' THEN 0
            ELSE round(coalesce(builders_add_usage.amount * price, 0), 12) END
    FROM usage_hours AS used
    WHERE builders_add_usage.amount <> 0
        AND builders_add_usage.hour < date_trunc('hour', now(), 'UTC')
        AND usage_session_id = session_id
        AND task_id IS NOT DISTINCT FROM task
        AND (used.model, used.kind, used.source, used.hour) = (
            builders_add_usage.model, builders_add_usage.kind, builders_add_usage.source,
            builders_add_usage.hour)
    ON CONFLICT (usage_hour_id, received_hour) DO UPDATE
    SET amount = known.amount + excluded.amount, estimate = known.estimate + excluded.estimate;
END;
