-- What follows from a validation: its readiness, and a number that keeps the order of those of one
-- moment.
--
-- READY is a pass rate of 100, and nothing else. A writer that omits it, or changes the rate, need
-- not give it; a different one is refused by a check.
CREATE OR REPLACE FUNCTION governance_number_validation() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF jsonb_typeof(NEW.validation_results) <> 'object' THEN
        RAISE EXCEPTION 'validation_results must be a JSON object: {"section": {"item": true}}.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_number_validation',
                TABLE = 'architecture_validations', COLUMN = 'validation_results';
    END IF;
    NEW.recorded := CASE TG_OP
        WHEN 'INSERT' THEN nextval('governance_recorded') ELSE OLD.recorded
    END;
    IF NEW.build_readiness = '' OR (TG_OP = 'INSERT' AND NEW.build_readiness IS NULL)
        OR (TG_OP = 'UPDATE' AND NEW.build_readiness = OLD.build_readiness)
    THEN
        NEW.build_readiness := CASE WHEN NEW.pass_rate = 100 THEN 'READY' ELSE 'NOT_READY' END;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_number_validation BEFORE INSERT OR UPDATE
    ON architecture_validations
    FOR EACH ROW EXECUTE FUNCTION governance_number_validation();
