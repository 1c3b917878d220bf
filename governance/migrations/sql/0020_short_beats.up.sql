-- What a beat does to its builder is kept short: it writes when it was heard, and nothing that
-- evidence or the holding of tasks speaks of. Triggers that name their columns are not even called
-- then. The columns are of the contract, or made beside it: all but the key and two that measure.
--
-- A trigger that names columns can have no transition tables, so on builders evidence is by row.
CREATE OR REPLACE FUNCTION governance_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    noun CONSTANT text := TG_ARGV[0];
    key CONSTANT text := TG_ARGV[1];
    itself CONSTANT boolean := noun IN ('program', 'wave', 'task', 'builder');
    unspoken CONSTANT text[] := TG_ARGV[2]::text[] || CASE
        WHEN pg_trigger_depth() > 1 THEN TG_ARGV[3]::text[] ELSE '{}'
    END;
    statement text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- Most updates are of one row, and measure: they leave nothing to tell.
        IF TG_LEVEL = 'ROW' THEN
            IF to_jsonb(NEW) - unspoken = to_jsonb(OLD) - unspoken THEN
                RETURN NULL;
            END IF;
        ELSIF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT 2) AS few) < 2
            AND (SELECT to_jsonb(new_rows) - unspoken FROM new_rows)
                IS NOT DISTINCT FROM (SELECT to_jsonb(old_rows) - unspoken FROM old_rows)
        THEN
            RETURN NULL;
        END IF;
        SELECT format(
            $statement$
            INSERT INTO evidence_trail
                (entity_type, entity_id, action, actor, backend, model, context)
            SELECT subject.entity_type, subject.entity_id,
                governance_action($1, 'UPDATE', changed.fields),
                who.actor, who.backend, who.model,
                who.context
                    || jsonb_build_object('changes', changed.fields)
                    || CASE WHEN changed.fields ? 'state' THEN jsonb_build_object(
                        'from', changed.fields -> 'state' -> 0,
                        'to', changed.fields -> 'state' -> 1)
                        ELSE '{}' END
                    || CASE WHEN $2 THEN '{}' ELSE jsonb_build_object('snapshot', changed.doc) END
            FROM (
                SELECT %s AS doc, %s AS fields
                FROM %s
                WHERE (%s) IS DISTINCT FROM (%s)
                OFFSET 0  -- a fence: what changed is put together once
            ) AS changed
            CROSS JOIN LATERAL governance_subject($1, changed.doc) AS subject
            CROSS JOIN governance_actor() AS who
            $statement$,
            CASE WHEN itself THEN format('jsonb_build_object(%L, n.%I)', key, key)
                ELSE 'to_jsonb(n)' END,
            string_agg(format(
                'CASE WHEN n.%1$I IS DISTINCT FROM o.%1$I'
                    ' THEN jsonb_build_object(%1$L, jsonb_build_array(o.%1$I, n.%1$I))'
                    ' ELSE ''{}'' END', attname), ' || '),
            CASE TG_LEVEL WHEN 'ROW' THEN '(SELECT ($3).*) AS o, (SELECT ($4).*) AS n'
                ELSE format('old_rows AS o JOIN new_rows AS n USING (%I)', key) END,
            string_agg(format('n.%I', attname), ', '),
            string_agg(format('o.%I', attname), ', ')
        )
        INTO statement
        FROM pg_attribute
        WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped
            AND attname <> key AND attname <> ALL (unspoken);
        IF TG_LEVEL = 'ROW' THEN
            EXECUTE statement USING noun, itself, OLD, NEW;
        ELSE
            EXECUTE statement USING noun, itself;
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO evidence_trail
            (entity_type, entity_id, action, actor, backend, model, context)
        SELECT subject.entity_type, subject.entity_id, governance_action(noun, TG_OP, NULL),
            who.actor, who.backend, who.model,
            who.context || jsonb_build_object('snapshot', changed.doc)
        FROM (SELECT to_jsonb(new_rows) AS doc FROM new_rows) AS changed
        CROSS JOIN LATERAL governance_subject(noun, changed.doc) AS subject
        CROSS JOIN governance_actor() AS who;
    ELSE
        INSERT INTO evidence_trail
            (entity_type, entity_id, action, actor, backend, model, context)
        SELECT subject.entity_type, subject.entity_id, governance_action(noun, TG_OP, NULL),
            who.actor, who.backend, who.model,
            who.context || jsonb_build_object('snapshot', changed.doc)
        FROM (SELECT to_jsonb(old_rows) AS doc FROM old_rows) AS changed
        CROSS JOIN LATERAL governance_subject(noun, changed.doc) AS subject
        CROSS JOIN governance_actor() AS who;
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER governance_evidence_updated ON builders;
CREATE TRIGGER governance_evidence_updated
    AFTER UPDATE OF backend_type, current_task_id, state, provenance, created_at, state_since,
        assigned_at
    ON builders
    FOR EACH ROW
    EXECUTE FUNCTION governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');

DROP TRIGGER governance_builders_hold_their_task ON builders;
CREATE CONSTRAINT TRIGGER governance_builders_hold_their_task
    AFTER INSERT OR UPDATE OF current_task_id ON builders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_builders_hold_their_task();

-- As before, except that how it ended is put into words only where a stall has ended.
CREATE OR REPLACE FUNCTION governance_follow_builders() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_put_down CONSTANT boolean := NEW.current_task_id IS DISTINCT FROM OLD.current_task_id;
    is_heard CONSTANT boolean :=
        NEW.last_heartbeat > OLD.last_heartbeat AND NEW.state <> 'failed';
    stall uuid;
BEGIN
    IF OLD.current_task_id IS NULL OR NOT (is_put_down OR is_heard) OR programs_is_history() THEN
        RETURN NULL;
    END IF;
    SELECT blocker_id INTO stall FROM blockers
    WHERE entity_type = 'task' AND entity_id = OLD.current_task_id
        AND classification = 'builder_stall' AND resolved_at IS NULL
    FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE blockers
        SET resolved_at = now(), resolution_action = CASE
            WHEN is_put_down THEN format('%s has put the task down.', NEW.builder_id)
            ELSE format('%s was heard again after %s.', NEW.builder_id,
                date_trunc('second', now() - builders_quiet_since(OLD, now())))
        END
        WHERE blocker_id = stall;
    END IF;
    RETURN NULL;
END $$;
