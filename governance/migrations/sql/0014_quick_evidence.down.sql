CREATE OR REPLACE FUNCTION governance_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION governance_builders_hold_their_task() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    held uuid;
    builder text;
    task text;
BEGIN
    IF TG_TABLE_NAME = 'builders' THEN
        held := NEW.current_task_id;
    ELSE
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
        )
        SELECT waves.name FROM earlier JOIN waves USING (wave_id)
        WHERE earlier.id = earlier.wave_id::text
    ) AS cycle
    UNION ALL SELECT * FROM governance_no_open_blocker('program', id)
$$;
