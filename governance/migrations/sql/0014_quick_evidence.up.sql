-- The same evidence, quicker. What an UPDATE changed is found by comparing columns as they are,
-- not documents made of two whole rows; the statement that does so is made for the table as it is.
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
        -- Most updates are of one row, and by a beat, which leaves nothing to tell.
        IF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT 2) AS few) < 2
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
                FROM old_rows AS o JOIN new_rows AS n USING (%I)
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
            key,
            string_agg(format('n.%I', attname), ', '),
            string_agg(format('o.%I', attname), ', ')
        )
        INTO statement
        FROM pg_attribute
        WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped
            AND attname <> key AND attname <> ALL (unspoken);
        EXECUTE statement USING noun, itself;
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

-- Asked only where something has changed that it speaks of: a beat and a bulk change of progress do
-- not.
CREATE OR REPLACE FUNCTION governance_builders_hold_their_task() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    held uuid;
    builder text;
    task text;
BEGIN
    IF TG_TABLE_NAME = 'builders' THEN
        IF TG_OP = 'UPDATE' AND NEW.current_task_id IS NOT DISTINCT FROM OLD.current_task_id THEN
            RETURN NULL;
        END IF;
        held := NEW.current_task_id;
    ELSE
        IF NEW.state = OLD.state AND NEW.assigned_builder IS NOT DISTINCT FROM OLD.assigned_builder
        THEN
            RETURN NULL;
        END IF;
        held := NEW.task_id;
    END IF;
    SELECT builder_id, tasks.name INTO builder, task
    FROM builders JOIN tasks ON task_id = current_task_id
    WHERE current_task_id = held
        AND (assigned_builder <> builder_id OR tasks.state IN ('completed', 'failed'));
    IF FOUND THEN
        RAISE EXCEPTION '% cannot hold the task "%", which is not in its hands.', builder, task
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'governance_builders_hold_their_task',
                TABLE = 'builders', COLUMN = 'current_task_id';
    END IF;
    RETURN NULL;
END $$;

-- A wave depends on waves of its own program: those of all others need not be read.
CREATE OR REPLACE FUNCTION governance_gate_approve_program(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT 'has_waves', count(*) > 0,
        CASE count(*) WHEN 0 THEN 'The program has no wave.' ELSE format('Waves: %s.', count(*)) END
    FROM waves WHERE program_id = id
    UNION ALL
    SELECT 'waves_have_tasks', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'Each wave has a task.'
            ELSE format('Without a task: %s.', governance_names(array_agg(name))) END
    FROM (
        SELECT name FROM waves
        WHERE program_id = id AND NOT EXISTS (SELECT FROM tasks WHERE tasks.wave_id = waves.wave_id)
        ORDER BY sequence_number
    ) AS empty
    UNION ALL
    SELECT 'dependencies_acyclic', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'No wave waits for itself.'
            ELSE format('Going round: %s.', governance_names(array_agg(name))) END
    FROM (
        WITH RECURSIVE earlier (wave_id, id) AS (
            SELECT wave_id, jsonb_array_elements_text(dependencies) FROM waves
            WHERE waves.program_id = governance_gate_approve_program.id
            UNION
            SELECT earlier.wave_id, jsonb_array_elements_text(waves.dependencies)
            FROM earlier JOIN waves ON waves.wave_id::text = earlier.id
            WHERE waves.program_id = governance_gate_approve_program.id
        )
        SELECT waves.name FROM earlier JOIN waves USING (wave_id)
        WHERE earlier.id = earlier.wave_id::text
    ) AS cycle
    UNION ALL SELECT * FROM governance_no_open_blocker('program', id)
$$;
