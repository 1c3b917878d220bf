-- TRUNCATE passes no rows to a trigger, so it would leave no evidence.
CREATE OR REPLACE FUNCTION governance_no_truncate() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would remove rows without evidence; use DELETE.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_no_truncate',
            TABLE = TG_TABLE_NAME;
END $$;
