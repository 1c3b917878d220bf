-- The entity that a row is evidence about; the foreman for a violation without task and builder.
CREATE OR REPLACE FUNCTION governance_subject(
    noun text, doc jsonb, OUT entity_type text, OUT entity_id uuid
) LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN noun IN ('program', 'wave', 'task', 'builder') THEN noun
            WHEN noun = 'plan_note' THEN 'program'
            WHEN noun = 'budget' AND doc ->> 'program_id' IS NOT NULL THEN 'program'
            WHEN noun IN ('blocker', 'entity_note') THEN doc ->> 'entity_type'
            WHEN doc ->> 'task_id' IS NOT NULL THEN 'task'
            ELSE 'builder'
        END,
        CASE
            WHEN noun IN ('program', 'plan_note') THEN (doc ->> 'program_id')::uuid
            WHEN noun = 'budget' AND doc ->> 'program_id' IS NOT NULL
                THEN (doc ->> 'program_id')::uuid
            WHEN noun = 'wave' THEN (doc ->> 'wave_id')::uuid
            WHEN noun IN ('blocker', 'entity_note') THEN (doc ->> 'entity_id')::uuid
            WHEN noun <> 'builder' AND doc ->> 'task_id' IS NOT NULL
                THEN (doc ->> 'task_id')::uuid
            ELSE builder_entity_id(coalesce(doc ->> 'builder_id', 'foreman'))
        END;
END;
