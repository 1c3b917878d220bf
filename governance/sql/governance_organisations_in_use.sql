-- An organisation that a program still belongs to is not deleted.
CREATE OR REPLACE FUNCTION governance_organisations_in_use() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    belonging bigint := (SELECT count(*) FROM programs WHERE organisation_id = OLD.organisation_id);
BEGIN
    IF belonging > 0 THEN
        RAISE EXCEPTION 'Organisation "%" has %: move each to another organisation or to the office itself first.',
            OLD.name, CASE belonging WHEN 1 THEN 'a program' ELSE format('%s programs', belonging) END
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_organisations_in_use',
                TABLE = 'organisations', COLUMN = 'organisation_id';
    END IF;
    RETURN OLD;
END $$;

CREATE OR REPLACE TRIGGER governance_organisations_in_use BEFORE DELETE ON organisations
    FOR EACH ROW EXECUTE FUNCTION governance_organisations_in_use();
