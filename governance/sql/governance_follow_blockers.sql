-- A blocker that is raised blocks its entity; one that is resolved or deleted lets it go on.
CREATE OR REPLACE FUNCTION governance_follow_blockers() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF programs_is_history() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        PERFORM governance_block(entity_type, entity_id) FROM new_rows WHERE resolved_at IS NULL;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM governance_unblock(entity_type, entity_id) FROM old_rows WHERE resolved_at IS NULL;
    ELSE
        PERFORM governance_block(n.entity_type, n.entity_id)
        FROM old_rows AS o JOIN new_rows AS n USING (blocker_id)
        WHERE o.resolved_at IS NOT NULL AND n.resolved_at IS NULL;
        PERFORM governance_unblock(n.entity_type, n.entity_id)
        FROM old_rows AS o JOIN new_rows AS n USING (blocker_id)
        WHERE o.resolved_at IS NULL AND n.resolved_at IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_follow_blockers_inserted AFTER INSERT ON blockers
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();

CREATE OR REPLACE TRIGGER governance_follow_blockers_updated AFTER UPDATE ON blockers
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();

CREATE OR REPLACE TRIGGER governance_follow_blockers_deleted AFTER DELETE ON blockers
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();
