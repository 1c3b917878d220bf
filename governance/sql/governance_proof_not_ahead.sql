-- Proof does not lie ahead of the office's clock, which would make it the latest for ever. A sender
-- whose clock is less than a minute ahead is believed, and its time is the office's.
-- (Runs: governance_settle_run.)
CREATE OR REPLACE FUNCTION governance_proof_not_ahead() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    place CONSTANT text := TG_ARGV[0];
    said CONSTANT timestamptz := to_jsonb(NEW) ->> place;
BEGIN
    IF said > clock_timestamp() + interval '1 minute' THEN
        RAISE EXCEPTION '% is more than a minute ahead of the office''s clock.', place
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_proof_not_ahead',
                TABLE = TG_TABLE_NAME, COLUMN = place;
    END IF;
    NEW := jsonb_populate_record(NEW, jsonb_build_object(place, now()));
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_proof_not_ahead BEFORE INSERT OR UPDATE OF validated_at ON architecture_validations
    FOR EACH ROW WHEN (NEW.validated_at > now())
    EXECUTE FUNCTION governance_proof_not_ahead('validated_at');

CREATE OR REPLACE TRIGGER governance_proof_not_ahead BEFORE INSERT OR UPDATE OF claimed_at ON completion_claims
    FOR EACH ROW WHEN (NEW.claimed_at > now())
    EXECUTE FUNCTION governance_proof_not_ahead('claimed_at');

CREATE OR REPLACE TRIGGER governance_proof_not_ahead BEFORE INSERT OR UPDATE OF detected_at ON governance_violations
    FOR EACH ROW WHEN (NEW.detected_at > now())
    EXECUTE FUNCTION governance_proof_not_ahead('detected_at');
