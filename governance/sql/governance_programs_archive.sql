-- Refuse to archive a program whose gate has unmet conditions; an override passes none of them. The
-- row is locked by now, and whatever gets under way in the program locks it too.
CREATE OR REPLACE FUNCTION governance_programs_archive() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.archived_at IS NOT NULL AND OLD.archived_at IS NULL THEN
        PERFORM governance_refuse('program', NEW.program_id, OLD.state, 'archived', NULL);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_programs_archive AFTER UPDATE ON programs
    FOR EACH ROW EXECUTE FUNCTION governance_programs_archive();
