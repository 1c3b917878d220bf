-- What pages show is announced on the channel "foreman". The payload names what has changed as
-- topics, "task:<id> wave:<id> blocker", never how; each thing brings along whatever it is part of.
-- "*" is everything: a statement that changed more than a page could tell apart says no more.
CREATE OR REPLACE FUNCTION governance_topics(kind text, docs jsonb[]) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH named AS (
        SELECT DISTINCT thing.kind, thing.id FROM unnest(docs) AS doc CROSS JOIN LATERAL (VALUES
            ('program', doc ->> 'program_id'),
            ('wave', doc ->> 'wave_id'),
            ('task', doc ->> 'task_id'),
            ('builder', doc ->> 'builder_id'),
            ('builder', doc ->> 'assigned_builder'),
            (nullif(doc ->> 'entity_type', 'builder'), doc ->> 'entity_id')
        ) AS thing (kind, id) WHERE thing.id IS NOT NULL
    ), holders AS (
        SELECT 'wave' AS kind, wave_id::text AS id FROM tasks
        WHERE task_id = ANY (ARRAY(SELECT id::uuid FROM named WHERE named.kind = 'task'))
    ), owners AS (
        SELECT 'program' AS kind, program_id::text AS id FROM waves
        WHERE wave_id = ANY (ARRAY(
            SELECT id::uuid FROM (TABLE named UNION ALL TABLE holders) AS known
            WHERE known.kind = 'wave'
        ))
    ), subjects AS (  -- evidence names a builder by an id made of its name
        SELECT 'builder' AS kind, builder_id AS id FROM builders
        WHERE builder_entity_id(builder_id)::text IN (
            SELECT id FROM named WHERE named.kind IS NULL)
    )
    SELECT concat_ws(' ', kind, (
        SELECT string_agg(concat(thing.kind, ':', thing.id), ' ')
        FROM (TABLE named UNION TABLE holders UNION TABLE owners UNION TABLE subjects) AS thing
        WHERE thing.kind IS NOT NULL
    ));
END;
