-- Contract 1.8 to 1.10: the foreign keys of the judgement. No delete action is stated for them.
ALTER TABLE governance_violations ADD CONSTRAINT governance_violations_task_id_fkey
    FOREIGN KEY (task_id) REFERENCES tasks (task_id);
ALTER TABLE governance_violations ADD CONSTRAINT governance_violations_builder_id_fkey
    FOREIGN KEY (builder_id) REFERENCES builders (builder_id);
ALTER TABLE architecture_validations ADD CONSTRAINT architecture_validations_task_id_fkey
    FOREIGN KEY (task_id) REFERENCES tasks (task_id);
ALTER TABLE qa_executions ADD CONSTRAINT qa_executions_task_id_fkey
    FOREIGN KEY (task_id) REFERENCES tasks (task_id);


-- A blocker names its entity without a foreign key: this is its integrity.
--
-- The entity is locked as a foreign key would lock it, so it cannot go before the blocker is in. A
-- blocker may be resolved when its entity is gone, but not opened again.
CREATE FUNCTION governance_blockers_entity() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER governance_blockers_entity
    BEFORE INSERT OR UPDATE OF entity_type, entity_id, resolved_at ON blockers
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_entity();

-- The other side: what is deleted blocks nothing any more.
CREATE FUNCTION governance_blockers_of_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE blockers
    SET resolved_at = now(), resolution_action = format('The %s was deleted.', TG_ARGV[0])
    WHERE entity_type = TG_ARGV[0]
        AND entity_id = (to_jsonb(OLD) ->> TG_ARGV[1])::uuid
        AND resolved_at IS NULL;
    RETURN NULL;
END $$;

CREATE TRIGGER governance_blockers_of_deleted AFTER DELETE ON programs
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('program', 'program_id');
CREATE TRIGGER governance_blockers_of_deleted AFTER DELETE ON waves
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('wave', 'wave_id');
CREATE TRIGGER governance_blockers_of_deleted AFTER DELETE ON tasks
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('task', 'task_id');
