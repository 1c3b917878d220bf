-- A table that triggers maintain is derived from others, which are changed instead. The triggers write
-- for the table's owner, whoever changed the source.
CREATE OR REPLACE FUNCTION governance_is_kept() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF programs_is_by_rule(TG_RELID) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is maintained by triggers; change its source instead.', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_is_kept', TABLE = TG_TABLE_NAME;
END $$;

CREATE OR REPLACE TRIGGER governance_is_kept
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON qa_latest_runs
    FOR EACH STATEMENT EXECUTE FUNCTION governance_is_kept();

CREATE OR REPLACE TRIGGER governance_is_kept
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON qa_suite_turns
    FOR EACH STATEMENT EXECUTE FUNCTION governance_is_kept();
