-- A blocker names its entity without a foreign key: this is its integrity.
--
-- The entity is locked as a foreign key would lock it, so it cannot go before the blocker is in. A
-- blocker may be resolved when its entity is gone, but not opened again.
CREATE OR REPLACE FUNCTION governance_blockers_entity() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.resolved_at IS NOT NULL
        AND (NEW.entity_type, NEW.entity_id) = (OLD.entity_type, OLD.entity_id)
    THEN
        RETURN NEW;
    END IF;
    CASE NEW.entity_type
        WHEN 'program' THEN
            PERFORM 1 FROM programs WHERE program_id = NEW.entity_id FOR KEY SHARE;
        WHEN 'wave' THEN
            PERFORM 1 FROM waves WHERE wave_id = NEW.entity_id FOR KEY SHARE;
        WHEN 'task' THEN
            PERFORM 1 FROM tasks WHERE task_id = NEW.entity_id FOR KEY SHARE;
        ELSE
            RETURN NEW;  -- the check on entity_type refuses it by its own name
    END CASE;
    IF NOT FOUND AND NEW.entity_id IS NOT NULL THEN
        RAISE EXCEPTION 'There is no % with the id %.', NEW.entity_type, NEW.entity_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_blockers_entity',
                TABLE = 'blockers', COLUMN = 'entity_id';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_blockers_entity
    BEFORE INSERT OR UPDATE OF entity_type, entity_id, resolved_at ON blockers
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_entity();
