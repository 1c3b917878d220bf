CREATE OR REPLACE FUNCTION governance_follow_builders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'failed' AND NEW.state <> 'failed' AND NEW.current_task_id IS NOT NULL THEN
        UPDATE blockers
        SET resolved_at = now(),
            resolution_action = format('%s was heard again after %s.', NEW.builder_id,
                date_trunc('second', NEW.last_heartbeat - OLD.last_heartbeat))
        WHERE entity_type = 'task' AND entity_id = NEW.current_task_id
            AND classification = 'builder_stall' AND resolved_at IS NULL;
    END IF;
    RETURN NULL;
END $$;

DROP FUNCTION governance_declare_stalls(interval);

CREATE OR REPLACE FUNCTION builders_progressed_at(builder text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT greatest(assigned_at, worked_at)
    FROM builders JOIN tasks ON task_id = current_task_id WHERE builder_id = builder
$$;

DROP TRIGGER governance_no_truncate ON builder_pauses;
DROP TRIGGER governance_key_is_final ON builder_pauses;
DROP TRIGGER governance_evidence_deleted ON builder_pauses;
DROP TRIGGER governance_evidence_updated ON builder_pauses;
DROP TRIGGER governance_evidence_inserted ON builder_pauses;

CREATE OR REPLACE FUNCTION governance_action(noun text, operation text, changes jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN noun IN ('program', 'wave', 'task', 'builder') THEN '' ELSE noun || '_' END
        || CASE
            WHEN operation = 'DELETE' THEN 'deleted'
            WHEN operation = 'INSERT' THEN
                CASE
                    WHEN noun IN ('program', 'wave', 'task', 'builder') THEN 'created'
                    WHEN noun = 'blocker' THEN 'raised'
                    ELSE 'recorded'
                END
            WHEN changes ? 'current_task_id' THEN
                CASE changes -> 'current_task_id' -> 1
                    WHEN 'null' THEN 'released' ELSE 'assigned'
                END
            WHEN changes ? 'state' THEN 'state_changed'
            WHEN changes ? 'resolved_at' AND changes -> 'resolved_at' -> 0 = 'null'
                THEN 'resolved'
            WHEN changes ? 'resolved_at' AND changes -> 'resolved_at' -> 1 = 'null'
                THEN 'reopened'
            WHEN changes - 'progress_percentage' = '{}' THEN 'progress_forced'
            ELSE 'edited'
        END
$$;
