-- The reverse of governance_blockers_entity: deleting an entity resolves its open blockers.
CREATE OR REPLACE FUNCTION governance_blockers_of_deleted() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE blockers
    SET resolved_at = greatest(now(), detected_at),
        resolution_action = format('The %s was deleted.', TG_ARGV[0])
    WHERE entity_type = TG_ARGV[0]
        AND entity_id = (to_jsonb(OLD) ->> TG_ARGV[1])::uuid
        AND resolved_at IS NULL;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_blockers_of_deleted AFTER DELETE ON programs
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('program', 'program_id');

CREATE OR REPLACE TRIGGER governance_blockers_of_deleted AFTER DELETE ON waves
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('wave', 'wave_id');

CREATE OR REPLACE TRIGGER governance_blockers_of_deleted AFTER DELETE ON tasks
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('task', 'task_id');
