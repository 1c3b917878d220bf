-- An organisation that a program still belongs to is not deleted; nor is one that had tokens, which
-- stay with it, so that evidence of what was reported with them has whom it speaks of.
CREATE OR REPLACE FUNCTION governance_organisations_in_use() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    belonging bigint := (SELECT count(*) FROM programs WHERE organisation_id = OLD.organisation_id);
    reason text;
BEGIN
    IF belonging > 0 THEN
        reason := format('has %s: move each to another organisation or to the office itself first.',
            CASE belonging WHEN 1 THEN 'a program' ELSE format('%s programs', belonging) END);
    ELSIF EXISTS (SELECT FROM builder_tokens WHERE organisation_id = OLD.organisation_id)
        OR EXISTS (SELECT FROM ci_tokens WHERE organisation_id = OLD.organisation_id)
    THEN
        reason := 'has had tokens, which stay with it, revoked or not. To put it away, revoke them, let its'
            ' members leave, and rename it.';
    END IF;
    IF reason IS NOT NULL THEN
        RAISE EXCEPTION 'Organisation "%" %', OLD.name, reason
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_organisations_in_use',
                TABLE = 'organisations', COLUMN = 'organisation_id';
    END IF;
    RETURN OLD;
END $$;

CREATE OR REPLACE TRIGGER governance_organisations_in_use BEFORE DELETE ON organisations
    FOR EACH ROW EXECUTE FUNCTION governance_organisations_in_use();
