-- How much a cumulative series has counted between two of its points. A series without an earlier
-- point began at zero; one whose value is lower than before has begun again there.
CREATE OR REPLACE FUNCTION builders_usage_step(before numeric, after numeric)
RETURNS numeric LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN before IS NULL OR after < before THEN after ELSE after - before END;
END;
