-- Two columns beside the contract's: a number to page and follow by, and whether the database saw
-- the act itself (a rule wrote the row) or was told of it (an imported record). Both are set here,
-- and the time, whatever the writer says: an identity column would obey COPY. Only what an import
-- tells keeps its own time. A context is an object, as pages and replay read it.
CREATE OR REPLACE FUNCTION governance_evidence_trail_witnessed() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF jsonb_typeof(NEW.context) <> 'object' THEN
        RAISE EXCEPTION 'The context of evidence must be a JSON object, not %.',
            jsonb_typeof(NEW.context)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_evidence_trail_witnessed',
                TABLE = 'evidence_trail', COLUMN = 'context';
    END IF;
    NEW.sequence := nextval('evidence_trail_sequence_seq');
    NEW.witnessed := coalesce(NEW.witnessed, false) AND programs_is_by_rule(TG_RELID);
    IF NEW.timestamp > now() OR NEW.witnessed OR NOT programs_is_history() THEN
        NEW.timestamp := now();
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_evidence_trail_witnessed BEFORE INSERT ON evidence_trail
    FOR EACH ROW EXECUTE FUNCTION governance_evidence_trail_witnessed();
