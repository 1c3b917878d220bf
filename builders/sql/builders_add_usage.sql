-- Add to what an hour used, by the kind of the point and by the kind that it is a part of: what is
-- read from a cache is no other input. `price` is in US dollars for one of the kind.
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
END;
