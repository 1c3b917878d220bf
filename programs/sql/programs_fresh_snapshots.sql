-- The rules below lock, then look, and count on seeing what was committed before the lock. Under
-- REPEATABLE READ they would look at the past and nothing would tell, so that is refused.
-- (SERIALIZABLE notices by itself.)
CREATE OR REPLACE FUNCTION programs_fresh_snapshots() RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'The plan cannot be changed under REPEATABLE READ.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_fresh_snapshots',
                HINT = 'Use READ COMMITTED or SERIALIZABLE.';
    END IF;
END $$;
