CREATE OR REPLACE FUNCTION governance_actor(
    OUT actor text, OUT backend text, OUT model text, OUT context jsonb
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    actor := coalesce(nullif(current_setting('foreman.actor', true), ''), 'foreman');
    context := coalesce(nullif(current_setting('foreman.context', true), ''), '{}')::jsonb;
    IF actor <> 'foreman' THEN
        SELECT builders.backend_type, builders.provenance ->> 'model' INTO backend, model
        FROM builders WHERE builders.builder_id = actor;
    END IF;
END $$;

DROP TRIGGER governance_follow_builders ON builders;
DROP FUNCTION governance_follow_builders();
DROP TRIGGER governance_follow_qa_executions ON qa_executions;
DROP FUNCTION governance_follow_qa_executions();
DROP TRIGGER governance_follow_violations_updated ON governance_violations;
DROP TRIGGER governance_follow_violations_inserted ON governance_violations;
DROP FUNCTION governance_follow_violations();
DROP TRIGGER governance_follow_blockers_deleted ON blockers;
DROP TRIGGER governance_follow_blockers_updated ON blockers;
DROP TRIGGER governance_follow_blockers_inserted ON blockers;
DROP FUNCTION governance_follow_blockers();
DROP FUNCTION governance_unblock(text, uuid);
DROP FUNCTION governance_block(text, uuid);
DROP TRIGGER governance_blockers_not_on_completed ON blockers;
DROP FUNCTION governance_blockers_not_on_completed();
DROP FUNCTION governance_raise_blocker(text, uuid, text, text);

ALTER TABLE blockers DROP COLUMN occurrences;
