-- The reverse of the archive's gate: nothing in an archived program is blocked. It runs after
-- governance_blockers_not_on_completed has locked the entity, and locks the program after it.
CREATE OR REPLACE FUNCTION governance_blockers_unarchived() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    archived text;
BEGIN
    IF NEW.resolved_at IS NOT NULL THEN
        RETURN NEW;
    END IF;
    SELECT name INTO archived FROM programs
    WHERE archived_at IS NOT NULL AND program_id = CASE NEW.entity_type
        WHEN 'program' THEN NEW.entity_id
        WHEN 'wave' THEN (SELECT program_id FROM waves WHERE wave_id = NEW.entity_id)
        WHEN 'task' THEN (
            SELECT program_id FROM tasks JOIN waves USING (wave_id) WHERE task_id = NEW.entity_id
        )
    END;
    IF FOUND THEN
        RAISE EXCEPTION 'Program "%" is archived: nothing in it can be blocked.', archived
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_blockers_unarchived',
                TABLE = 'blockers', COLUMN = 'entity_id';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_blockers_unarchived
    BEFORE INSERT OR UPDATE OF resolved_at ON blockers
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_unarchived();
