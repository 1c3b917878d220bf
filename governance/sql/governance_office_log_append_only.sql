-- The office log is only added to, like the evidence trail.
CREATE OR REPLACE FUNCTION governance_office_log_append_only() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'The office log is only added to, never changed or shortened.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_office_log_append_only',
            TABLE = 'office_log';
END $$;

CREATE OR REPLACE TRIGGER governance_office_log_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON office_log
    FOR EACH STATEMENT EXECUTE FUNCTION governance_office_log_append_only();
