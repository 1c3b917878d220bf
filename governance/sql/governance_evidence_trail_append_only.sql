-- The evidence trail is written by triggers, so any writer leaves it; it is never changed and
-- never shortened.
CREATE OR REPLACE FUNCTION governance_evidence_trail_append_only() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'Evidence is only added, never changed or removed.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_evidence_trail_append_only',
            TABLE = 'evidence_trail';
END $$;

CREATE OR REPLACE TRIGGER governance_evidence_trail_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_trail
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence_trail_append_only();
