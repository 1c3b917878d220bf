-- Note that the office received something from a builder: a run, a claim, a validation, an
-- escalation. It is a sign of life like a heartbeat, and ends a stall.
CREATE OR REPLACE FUNCTION builders_heard(builder text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE builders
    SET heard_at = greatest(heard_at, now()),
        state = CASE state WHEN 'failed' THEN 'active' ELSE state END
    WHERE builder_id = builder;
END;
