-- A violation blocks its task; resolving the last violation resolves that blocker. A completed task
-- cannot be blocked, even if it was completed a moment ago: the violation itself is kept.
CREATE OR REPLACE FUNCTION governance_follow_violations() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    broken record;
    rule text;
BEGIN
    IF programs_is_history() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        FOR broken IN
            SELECT * FROM new_rows WHERE task_id IS NOT NULL AND resolved_at IS NULL
            ORDER BY task_id
        LOOP
            BEGIN
                PERFORM governance_raise_blocker('task', broken.task_id,
                    'constitutional_violation',
                    format('%s: %s', broken.violation_type, broken.description));
            EXCEPTION WHEN check_violation THEN
                GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
                IF rule <> 'governance_blockers_not_on_completed' THEN
                    RAISE;
                END IF;
            END;
        END LOOP;
    ELSE
        -- Locked before looking, as above.
        PERFORM 1 FROM blockers
        WHERE entity_type = 'task' AND entity_id IN (SELECT task_id FROM new_rows)
            AND classification = 'constitutional_violation' AND resolved_at IS NULL
        ORDER BY blocker_id FOR NO KEY UPDATE;
        UPDATE blockers
        SET resolved_at = greatest(now(), blockers.detected_at),
            resolution_action = coalesce(n.resolution, 'Violation resolved.')
        FROM old_rows AS o JOIN new_rows AS n USING (violation_id)
        WHERE o.resolved_at IS NULL AND n.resolved_at IS NOT NULL
            AND entity_type = 'task' AND entity_id = n.task_id
            AND classification = 'constitutional_violation' AND blockers.resolved_at IS NULL
            AND NOT EXISTS (
                SELECT FROM governance_violations AS other
                WHERE other.task_id = n.task_id AND other.resolved_at IS NULL
            );
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_follow_violations_inserted
    AFTER INSERT ON governance_violations
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_violations();

CREATE OR REPLACE TRIGGER governance_follow_violations_updated AFTER UPDATE ON governance_violations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_violations();
