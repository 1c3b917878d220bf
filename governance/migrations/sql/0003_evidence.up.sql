-- The evidence trail: written by triggers, so any writer leaves it; never changed, never removed.

-- Two columns beside the contract's: a number to page and follow by, and whether the database saw
-- the act itself (a trigger wrote the row) or was told of it (an imported record). Both are set by a
-- trigger at the end of this file, whatever the writer says: an identity column would obey COPY.
CREATE SEQUENCE evidence_trail_sequence_seq;
ALTER TABLE evidence_trail
    ADD COLUMN sequence bigint NOT NULL DEFAULT nextval('evidence_trail_sequence_seq'),
    ADD COLUMN witnessed boolean NOT NULL DEFAULT false;
ALTER SEQUENCE evidence_trail_sequence_seq OWNED BY evidence_trail.sequence;
CREATE UNIQUE INDEX idx_evidence_sequence ON evidence_trail (sequence);

CREATE FUNCTION governance_evidence_trail_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Evidence is only added, never changed or removed.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_evidence_trail_append_only',
            TABLE = 'evidence_trail';
END $$;

CREATE TRIGGER governance_evidence_trail_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_trail
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence_trail_append_only();


-- A builder's key is text, the trail's is a UUID. The model's `entity_id` says the same.
CREATE FUNCTION builder_entity_id(builder_id text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT md5('builder:' || builder_id)::uuid
$$;

-- Who acts: named by the transaction, or else the foreman. A builder's backend and model are those
-- of this moment. The context is what the transaction says besides (the person, an import).
CREATE FUNCTION governance_actor(
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


-- Whom a row is evidence about. A violation that names neither task nor builder is the foreman's.
CREATE FUNCTION governance_subject(
    noun text, doc jsonb, OUT entity_type text, OUT entity_id uuid
) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT
        CASE
            WHEN noun IN ('program', 'wave', 'task', 'builder') THEN noun
            WHEN noun = 'blocker' THEN doc ->> 'entity_type'
            WHEN doc ->> 'task_id' IS NOT NULL THEN 'task'
            ELSE 'builder'
        END,
        CASE
            WHEN noun = 'program' THEN (doc ->> 'program_id')::uuid
            WHEN noun = 'wave' THEN (doc ->> 'wave_id')::uuid
            WHEN noun = 'blocker' THEN (doc ->> 'entity_id')::uuid
            WHEN noun <> 'builder' AND doc ->> 'task_id' IS NOT NULL
                THEN (doc ->> 'task_id')::uuid
            ELSE builder_entity_id(coalesce(doc ->> 'builder_id', 'foreman'))
        END
$$;

-- The verb of the trail: "created", "state_changed", "blocker_raised", "qa_run_recorded", ...
CREATE FUNCTION governance_action(noun text, operation text, changes jsonb) RETURNS text
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

-- One row of evidence for each row that really changed. A statement's rows are recorded together,
-- so that a bulk change stays one.
--
-- Arguments: the noun; the key column; the columns that are no evidence, because they are derived
-- or measured; and those that are none where a trigger changes them (the progress that a heartbeat
-- reports is a measurement, progress forced by hand is an act).
CREATE FUNCTION governance_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    noun CONSTANT text := TG_ARGV[0];
    key CONSTANT text := TG_ARGV[1];
    unspoken CONSTANT text[] := TG_ARGV[2]::text[] || CASE
        WHEN pg_trigger_depth() > 1 THEN TG_ARGV[3]::text[] ELSE '{}'
    END;
    spoken text[];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        spoken := ARRAY(
            SELECT attname FROM pg_attribute
            WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped
                AND attname <> ALL (unspoken)
        );
        INSERT INTO evidence_trail
            (entity_type, entity_id, action, actor, backend, model, context)
        SELECT subject.entity_type, subject.entity_id,
            governance_action(noun, TG_OP, changed.fields),
            who.actor, who.backend, who.model,
            who.context
                || jsonb_build_object('changes', changed.fields)
                || CASE WHEN changed.fields ? 'state' THEN jsonb_build_object(
                    'from', changed.fields -> 'state' -> 0, 'to', changed.fields -> 'state' -> 1)
                    ELSE '{}' END
                || CASE WHEN noun IN ('program', 'wave', 'task', 'builder') THEN '{}'
                    ELSE jsonb_build_object('snapshot', changed.doc) END
        FROM (
            SELECT n.doc, difference.fields
            -- OFFSET 0 is a fence: a row is made into a document once.
            FROM (SELECT to_jsonb(old_rows) AS doc FROM old_rows OFFSET 0) AS o
            JOIN (SELECT to_jsonb(new_rows) AS doc FROM new_rows OFFSET 0) AS n
                ON n.doc ->> key = o.doc ->> key
            CROSS JOIN LATERAL (
                SELECT jsonb_object_agg(name, jsonb_build_array(o.doc -> name, n.doc -> name))
                FROM unnest(spoken) AS name
                WHERE n.doc -> name <> o.doc -> name
            ) AS difference (fields)
            WHERE difference.fields IS NOT NULL
        ) AS changed
        CROSS JOIN LATERAL governance_subject(noun, changed.doc) AS subject
        CROSS JOIN governance_actor() AS who;
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

-- The trail follows an entity by its key, so a key is final.
CREATE FUNCTION governance_key_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The id of a row cannot be changed: the evidence speaks of it.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_key_is_final',
            TABLE = TG_TABLE_NAME;
END $$;

-- TRUNCATE tells no trigger which rows it removed, so it could leave no evidence.
CREATE FUNCTION governance_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would remove rows without evidence; use DELETE.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_no_truncate',
            TABLE = TG_TABLE_NAME;
END $$;


CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON programs
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON programs
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');
CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON programs
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');
CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF program_id ON programs
    FOR EACH ROW WHEN (NEW.program_id <> OLD.program_id) EXECUTE FUNCTION governance_key_is_final();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON programs
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON waves
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON waves
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');
CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON waves
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');
CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF wave_id ON waves
    FOR EACH ROW WHEN (NEW.wave_id <> OLD.wave_id) EXECUTE FUNCTION governance_key_is_final();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON waves
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON tasks
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');
CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON tasks
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');
CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF task_id ON tasks
    FOR EACH ROW WHEN (NEW.task_id <> OLD.task_id) EXECUTE FUNCTION governance_key_is_final();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON tasks
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON builders
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON builders
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');
CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON builders
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');
CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF builder_id ON builders
    FOR EACH ROW WHEN (NEW.builder_id <> OLD.builder_id) EXECUTE FUNCTION governance_key_is_final();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON builders
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON blockers
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('blocker', 'blocker_id', '{}', '{}');
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON blockers
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('blocker', 'blocker_id', '{}', '{}');
CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON blockers
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('blocker', 'blocker_id', '{}', '{}');
CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF blocker_id ON blockers
    FOR EACH ROW WHEN (NEW.blocker_id <> OLD.blocker_id) EXECUTE FUNCTION governance_key_is_final();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON blockers
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON governance_violations
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('violation', 'violation_id', '{}', '{}');
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON governance_violations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('violation', 'violation_id', '{}', '{}');
CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON governance_violations
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('violation', 'violation_id', '{}', '{}');
CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF violation_id ON governance_violations
    FOR EACH ROW WHEN (NEW.violation_id <> OLD.violation_id) EXECUTE FUNCTION governance_key_is_final();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON governance_violations
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON architecture_validations
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('validation', 'validation_id', '{}', '{}');
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON architecture_validations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('validation', 'validation_id', '{}', '{}');
CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON architecture_validations
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('validation', 'validation_id', '{}', '{}');
CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF validation_id ON architecture_validations
    FOR EACH ROW WHEN (NEW.validation_id <> OLD.validation_id) EXECUTE FUNCTION governance_key_is_final();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON architecture_validations
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON qa_executions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('qa_run', 'execution_id', '{}', '{}');
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON qa_executions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('qa_run', 'execution_id', '{}', '{}');
CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON qa_executions
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('qa_run', 'execution_id', '{}', '{}');
CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF execution_id ON qa_executions
    FOR EACH ROW WHEN (NEW.execution_id <> OLD.execution_id) EXECUTE FUNCTION governance_key_is_final();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON qa_executions
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

-- The trail begins with what is already there: the five builders, and on a database that comes back
-- from an earlier migration everything else.
INSERT INTO evidence_trail (entity_type, entity_id, action, actor, context, witnessed)
SELECT subject.entity_type, subject.entity_id, governance_action(found.noun, 'INSERT', NULL),
    'foreman', jsonb_build_object('snapshot', found.doc), true
FROM (
    SELECT 1, 'program', to_jsonb(programs) FROM programs
    UNION ALL
    SELECT 2, 'wave', to_jsonb(waves) FROM waves
    UNION ALL
    SELECT 3, 'task', to_jsonb(tasks) FROM tasks
    UNION ALL
    SELECT 4, 'builder', to_jsonb(builders) FROM builders
    UNION ALL
    SELECT 5, 'blocker', to_jsonb(blockers) FROM blockers
    UNION ALL
    SELECT 6, 'violation', to_jsonb(governance_violations) FROM governance_violations
    UNION ALL
    SELECT 7, 'validation', to_jsonb(architecture_validations) FROM architecture_validations
    UNION ALL
    SELECT 8, 'qa_run', to_jsonb(qa_executions) FROM qa_executions
) AS found (step, noun, doc)
CROSS JOIN LATERAL governance_subject(found.noun, found.doc) AS subject
ORDER BY found.step;

-- From here on a row is witnessed if a trigger wrote it, and gets the next number.
ALTER TABLE evidence_trail ALTER COLUMN sequence DROP DEFAULT;

CREATE FUNCTION governance_evidence_trail_witnessed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.sequence := nextval('evidence_trail_sequence_seq');
    NEW.witnessed := pg_trigger_depth() > 1;
    RETURN NEW;
END $$;

CREATE TRIGGER governance_evidence_trail_witnessed BEFORE INSERT ON evidence_trail
    FOR EACH ROW EXECUTE FUNCTION governance_evidence_trail_witnessed();
