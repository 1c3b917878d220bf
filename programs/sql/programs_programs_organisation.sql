-- The organisation that a program is given to is there until the transaction ends: whoever deletes it
-- waits, and finds the program (governance_organisations_in_use). One that is deleted at this moment takes none.
-- An id that no organisation has is stored, as the contract has it; but who works for an organisation
-- works for one that is there.
CREATE OR REPLACE FUNCTION programs_programs_organisation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    is_expected boolean := NEW.organisation_id::text = current_setting('foreman.organisation', true)
        OR EXISTS (SELECT FROM organisations WHERE organisation_id = NEW.organisation_id);
BEGIN
    PERFORM FROM organisations WHERE organisation_id = NEW.organisation_id FOR KEY SHARE;
    IF is_expected AND NOT FOUND THEN
        RAISE EXCEPTION 'There is no organisation with the id %.', NEW.organisation_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_programs_organisation',
                TABLE = 'programs', COLUMN = 'organisation_id';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_programs_organisation BEFORE INSERT OR UPDATE OF organisation_id ON programs
    FOR EACH ROW WHEN (NEW.organisation_id IS NOT NULL)
    EXECUTE FUNCTION programs_programs_organisation();
