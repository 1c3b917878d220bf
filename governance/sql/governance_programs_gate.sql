-- Refuse what a program's gates do not allow.
CREATE OR REPLACE FUNCTION governance_programs_gate() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.state <> OLD.state AND NEW.state IN ('in-progress', 'completed')
        AND NOT programs_is_forced()
    THEN
        PERFORM governance_refuse('program', NEW.program_id, OLD.state, NEW.state, NULL);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_programs_gate AFTER UPDATE ON programs
    FOR EACH ROW EXECUTE FUNCTION governance_programs_gate();
