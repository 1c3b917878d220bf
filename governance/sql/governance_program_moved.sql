-- A program moves to another organisation with all that hangs on it. The evidence is that of the program.
CREATE OR REPLACE FUNCTION governance_program_moved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM governance_carry_program(NEW.program_id,
        coalesce(OLD.organisation_id, programs_office_itself()),
        coalesce(NEW.organisation_id, programs_office_itself()));
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_program_moved AFTER UPDATE OF organisation_id ON programs
    FOR EACH ROW WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id)
    EXECUTE FUNCTION governance_program_moved();
