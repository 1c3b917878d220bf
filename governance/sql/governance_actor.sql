-- Who acts: named by the transaction, or else the foreman. A builder's backend and model are those
-- of this moment. The context is what the transaction says besides (the person, an import); of a
-- forced act it says that it was forced, and why. It cannot say what the trail itself says: rules
-- read the moves of a task there, and an import that was not opened is none.
CREATE OR REPLACE FUNCTION governance_actor(
    OUT actor text, OUT backend text, OUT model text, OUT context jsonb
) LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT AS $$
BEGIN
    actor := coalesce(nullif(current_setting('foreman.actor', true), ''), 'foreman');
    context := coalesce(nullif(current_setting('foreman.context', true), ''), '{}')::jsonb;
    IF jsonb_typeof(context) <> 'object' THEN
        RAISE EXCEPTION 'foreman.context must be a JSON object, not %.', jsonb_typeof(context)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_actor',
                TABLE = 'evidence_trail', COLUMN = 'context';
    END IF;
    context := context - '{changes,from,to,snapshot,operation,tests,results,override,record}'::text[];
    IF context ? 'import' AND NOT programs_may_import() THEN
        context := context - 'import';
    END IF;
    IF programs_is_forced() THEN
        context := context
            || jsonb_build_object('override', current_setting('foreman.override', true));
    END IF;
    IF actor <> 'foreman' THEN
        SELECT builders.backend_type, builders.provenance ->> 'model' INTO backend, model
        FROM builders WHERE builders.builder_id = actor;
    END IF;
END $$;
