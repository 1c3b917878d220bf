-- A token is of one organisation, or of the whole office, for good: what was reported with it stands in
-- the evidence of that one. For another organisation another token is issued.
CREATE OR REPLACE FUNCTION builders_token_organisation_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'A token stays with its organisation: revoke it, and issue another.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_token_organisation_stays',
            TABLE = TG_TABLE_NAME, COLUMN = 'organisation_id';
END $$;

CREATE OR REPLACE TRIGGER builders_token_organisation_stays
    BEFORE UPDATE OF organisation_id ON builder_tokens
    FOR EACH ROW WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id)
    EXECUTE FUNCTION builders_token_organisation_stays();

CREATE OR REPLACE TRIGGER builders_token_organisation_stays
    BEFORE UPDATE OF organisation_id ON ci_tokens
    FOR EACH ROW WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id)
    EXECUTE FUNCTION builders_token_organisation_stays();
