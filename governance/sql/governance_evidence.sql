-- One row of evidence for each row that really changed. A statement's rows are recorded together,
-- so that a bulk change stays one.
--
-- Arguments: the noun; the key column; the columns that are no evidence, because they are derived
-- or measured; and those that are none where a heartbeat changes them (the progress that it reports
-- is a measurement, progress set by hand is an act): the time of the task's work changes with them,
-- which nothing but a heartbeat changes (programs_tasks_measured).
--
-- What an UPDATE changed is found by comparing columns as they are, not documents made of two
-- whole rows; the statement that does so is made for the table as it is.
--
-- The evidence of a run holds a digest of its tests, which are written before it.
--
-- A trigger that names columns can have no transition tables, so on builders evidence is by row. What
-- a builder does belongs to the organisation of the task that it holds, or held until then.
CREATE OR REPLACE FUNCTION governance_evidence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    noun CONSTANT text := TG_ARGV[0];
    key CONSTANT text := TG_ARGV[1];
    itself CONSTANT boolean := noun IN ('program', 'wave', 'task', 'builder');
    -- To whom a row belongs is no part of its evidence, but of a program's.
    apart CONSTANT text[] := CASE noun WHEN 'program' THEN '{}' ELSE '{organisation_id}' END;
    unspoken text[] := TG_ARGV[2]::text[] || apart;
    holder uuid := programs_office_itself();
    statement text;
BEGIN
    IF TG_OP = 'UPDATE' AND TG_ARGV[3] <> '{}' THEN
        -- A heartbeat moves one task; a join of many rows would take its time.
        IF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT 2) AS few) < 2
            AND (SELECT work_received_at FROM new_rows LIMIT 1)
                > coalesce((SELECT work_received_at FROM old_rows LIMIT 1), '-infinity')
        THEN
            unspoken := unspoken || TG_ARGV[3]::text[];
        END IF;
    END IF;
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
        IF noun = 'builder' THEN
            -- From a task of one organisation to one of another is for the whole office to know.
            SELECT (array_agg(DISTINCT organisation_id))[1] INTO holder FROM tasks
            WHERE task_id IN (OLD.current_task_id, NEW.current_task_id)
            HAVING count(DISTINCT organisation_id) = 1;
            holder := coalesce(holder, programs_office_itself());
        END IF;
        SELECT format(
            $statement$
            INSERT INTO evidence_trail
                (evidence_id, organisation_id, entity_type, entity_id, action, actor, backend, model,
                    witnessed, context)
            SELECT programs_time_ordered_id(), coalesce(changed.organisation, $3),
                subject.entity_type, subject.entity_id,
                governance_action($1, 'UPDATE', changed.fields),
                who.actor, who.backend, who.model, true,
                who.context
                    || jsonb_build_object('changes', changed.fields)
                    || CASE WHEN changed.fields ? 'state' THEN jsonb_build_object(
                        'from', changed.fields -> 'state' -> 0,
                        'to', changed.fields -> 'state' -> 1)
                        ELSE '{}' END
                    || CASE WHEN $2 THEN '{}' ELSE jsonb_build_object('snapshot', changed.doc - $4) END
            FROM (
                SELECT %s AS doc, %s AS fields,
                    (to_jsonb(n) ->> 'organisation_id')::uuid AS organisation
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
            CASE TG_LEVEL WHEN 'ROW' THEN '(SELECT ($5).*) AS o, (SELECT ($6).*) AS n'
                ELSE format('old_rows AS o JOIN new_rows AS n USING (%I)', key) END,
            string_agg(format('n.%I', attname), ', '),
            string_agg(format('o.%I', attname), ', ')
        )
        INTO statement
        FROM pg_attribute
        WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped
            AND attname <> key AND attname <> ALL (unspoken);
        IF TG_LEVEL = 'ROW' THEN
            EXECUTE statement USING noun, itself, holder, apart, OLD, NEW;
        ELSE
            EXECUTE statement USING noun, itself, holder, apart;
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO evidence_trail
            (evidence_id, organisation_id, entity_type, entity_id, action, actor, backend, model,
                witnessed, context)
        SELECT programs_time_ordered_id(),
            coalesce((changed.doc ->> 'organisation_id')::uuid, holder),
            subject.entity_type, subject.entity_id, governance_action(noun, TG_OP, NULL),
            who.actor, who.backend, who.model, true,
            who.context || jsonb_build_object('snapshot', changed.doc - apart)
                || CASE WHEN noun = 'qa_run' THEN jsonb_build_object('results',
                    governance_run_results((changed.doc ->> 'execution_id')::uuid))
                    ELSE '{}' END
        FROM (SELECT to_jsonb(new_rows) AS doc FROM new_rows) AS changed
        CROSS JOIN LATERAL governance_subject(noun, changed.doc) AS subject
        CROSS JOIN governance_actor() AS who;
    ELSE
        INSERT INTO evidence_trail
            (evidence_id, organisation_id, entity_type, entity_id, action, actor, backend, model,
                witnessed, context)
        SELECT programs_time_ordered_id(),
            coalesce((changed.doc ->> 'organisation_id')::uuid, holder),
            subject.entity_type, subject.entity_id, governance_action(noun, TG_OP, NULL),
            who.actor, who.backend, who.model, true,
            who.context || jsonb_build_object('snapshot', changed.doc - apart)
        FROM (SELECT to_jsonb(old_rows) AS doc FROM old_rows) AS changed
        CROSS JOIN LATERAL governance_subject(noun, changed.doc) AS subject
        CROSS JOIN governance_actor() AS who;
    END IF;
    RETURN NULL;
END $$;
