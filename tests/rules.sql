CREATE OR REPLACE FUNCTION public.builder_entity_id(builder_id text)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
    SELECT md5('builder:' || builder_id)::uuid
$function$;

CREATE OR REPLACE FUNCTION public.builders_authenticate(token_digest bytea)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
DECLARE
    token builder_tokens;
BEGIN
    SELECT * INTO token FROM builder_tokens WHERE digest = token_digest AND revoked_at IS NULL;
    IF coalesce(token.last_used_at, '-infinity') < now() - interval '1 minute' THEN
        UPDATE builder_tokens SET last_used_at = now()
        WHERE token_id = token.token_id
            AND coalesce(last_used_at, '-infinity') < now() - interval '1 minute';
    END IF;
    RETURN token.builder_id;
END $function$;

CREATE OR REPLACE FUNCTION public.builders_builder_tokens_two_valid()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    -- Locked before counting, so that the second of two at once sees the first.
    PERFORM FROM builders WHERE builder_id = NEW.builder_id FOR NO KEY UPDATE;
    IF (
        SELECT count(*) FROM builder_tokens
        WHERE builder_id = NEW.builder_id AND revoked_at IS NULL AND token_id <> NEW.token_id
    ) >= 2 THEN
        RAISE EXCEPTION 'The builder % has two valid tokens: revoke one first.', NEW.builder_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_builder_tokens_two_valid',
                TABLE = 'builder_tokens';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.builders_heartbeats_apply()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    actor_before CONSTANT text := coalesce(current_setting('foreman.actor', true), '');
    held uuid;
BEGIN
    PERFORM set_config('foreman.actor', NEW.builder_id, true);

    UPDATE builders
    SET last_heartbeat = NEW.timestamp, state = NEW.status
    WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp
    RETURNING current_task_id INTO held;

    -- Looked at before it is touched: an UPDATE of no rows would still wake every trigger on tasks.
    IF held = NEW.task_id AND EXISTS (
        SELECT FROM tasks
        WHERE task_id = held
            AND state IN ('assigned', 'in-progress', 'blocked')
            AND (
                progress_percentage <> NEW.progress_percentage
                OR (state = 'assigned' AND NEW.status = 'active')
            )
    ) THEN
        UPDATE tasks
        SET progress_percentage = coalesce(NEW.progress_percentage, progress_percentage),
            state = CASE
                WHEN state = 'assigned' AND NEW.status = 'active' THEN 'in-progress' ELSE state
            END,
            started_at = CASE
                WHEN state = 'assigned' AND NEW.status = 'active'
                    THEN coalesce(started_at, NEW.timestamp)
                ELSE started_at
            END
        WHERE task_id = held AND state IN ('assigned', 'in-progress', 'blocked');
    END IF;

    PERFORM set_config('foreman.actor', actor_before, true);
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.builders_heartbeats_not_ahead()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NEW.timestamp > now() + interval '1 minute' THEN
        RAISE EXCEPTION 'A heartbeat cannot be more than a minute ahead of the office''s clock.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_heartbeats_not_ahead',
                TABLE = 'heartbeats', COLUMN = 'timestamp';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.builders_record_heartbeat(token_digest bytea, sent_builder text, sent_task uuid, sent_status text, sent_message text, sent_progress integer, sent_id uuid, sent_at timestamp with time zone, OUT broken_rule text, OUT stored_id uuid, OUT stored_at timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
DECLARE
    speaker CONSTANT text := builders_authenticate(token_digest);
BEGIN
    IF speaker IS NULL THEN
        broken_rule := 'valid_token';
        RETURN;
    END IF;
    IF speaker <> sent_builder THEN
        broken_rule := 'own_builder';
        RETURN;
    END IF;
    IF sent_task IS NOT NULL THEN
        -- The lock of the foreign key, taken early: the task cannot go before the beat is in.
        PERFORM FROM tasks WHERE task_id = sent_task FOR KEY SHARE;
        IF NOT FOUND THEN
            broken_rule := 'known_task';
            RETURN;
        END IF;
    END IF;

    INSERT INTO heartbeats (
        heartbeat_id, builder_id, task_id, timestamp, status, message, progress_percentage
    ) VALUES (
        coalesce(sent_id, gen_random_uuid()), sent_builder, sent_task, coalesce(sent_at, now()),
        sent_status, sent_message, sent_progress
    )
    ON CONFLICT (heartbeat_id) DO NOTHING
    RETURNING heartbeat_id, timestamp INTO stored_id, stored_at;
    IF FOUND THEN
        RETURN;
    END IF;

    -- Sent before, perhaps a moment ago by another connection: the INSERT has waited for it, and
    -- this statement sees it. A time that was left out then or now is no difference.
    SELECT heartbeat_id, timestamp INTO stored_id, stored_at
    FROM heartbeats
    WHERE heartbeat_id = sent_id
        AND builder_id = sent_builder
        AND task_id IS NOT DISTINCT FROM sent_task
        AND timestamp = coalesce(sent_at, timestamp)
        AND status = sent_status
        AND message IS NOT DISTINCT FROM sent_message
        AND progress_percentage IS NOT DISTINCT FROM sent_progress;
    IF NOT FOUND THEN
        broken_rule := 'heartbeat_id_used_once';
    END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.calculate_program_progress()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    affected uuid[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT program_id) INTO affected FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT program_id) INTO affected FROM old_rows;
    ELSE
        SELECT array_agg(program_id) INTO affected
        FROM (
            SELECT program_id
            FROM (
                SELECT program_id, progress_percentage AS progress, 1 AS number FROM new_rows
                UNION ALL
                SELECT program_id, -progress_percentage, -1 FROM old_rows
            ) AS changes
            GROUP BY program_id
            HAVING sum(progress) <> 0 OR sum(number) <> 0
        ) AS changed;
    END IF;
    IF affected IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM programs_fresh_snapshots();
    PERFORM 1 FROM programs WHERE program_id = ANY (affected)
    ORDER BY program_id FOR NO KEY UPDATE;

    UPDATE programs SET progress_percentage = mean.progress
    FROM (
        SELECT program.id, coalesce(avg(waves.progress_percentage), 0)::integer AS progress
        FROM unnest(affected) AS program (id)
        LEFT JOIN waves ON waves.program_id = program.id
        GROUP BY program.id
    ) AS mean
    WHERE programs.program_id = mean.id AND programs.progress_percentage <> mean.progress;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.calculate_wave_progress()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    affected uuid[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT wave_id) INTO affected FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT wave_id) INTO affected FROM old_rows;
    ELSE
        -- The sum of the changes says it: without a join, however many rows.
        SELECT array_agg(wave_id) INTO affected
        FROM (
            SELECT wave_id
            FROM (
                SELECT wave_id, progress_percentage AS progress, 1 AS number FROM new_rows
                UNION ALL
                SELECT wave_id, -progress_percentage, -1 FROM old_rows
            ) AS changes
            GROUP BY wave_id
            HAVING sum(progress) <> 0 OR sum(number) <> 0
        ) AS changed;
    END IF;
    IF affected IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM programs_fresh_snapshots();
    PERFORM 1 FROM waves WHERE wave_id = ANY (affected) ORDER BY wave_id FOR NO KEY UPDATE;

    UPDATE waves SET progress_percentage = mean.progress
    FROM (
        SELECT wave.id, coalesce(avg(tasks.progress_percentage), 0)::integer AS progress
        FROM unnest(affected) AS wave (id)
        LEFT JOIN tasks ON tasks.wave_id = wave.id
        GROUP BY wave.id
    ) AS mean
    WHERE waves.wave_id = mean.id AND waves.progress_percentage <> mean.progress;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_action(noun text, operation text, changes jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.governance_actor(OUT actor text, OUT backend text, OUT model text, OUT context jsonb)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
    actor := coalesce(nullif(current_setting('foreman.actor', true), ''), 'foreman');
    context := coalesce(nullif(current_setting('foreman.context', true), ''), '{}')::jsonb;
    IF actor <> 'foreman' THEN
        SELECT builders.backend_type, builders.provenance ->> 'model' INTO backend, model
        FROM builders WHERE builders.builder_id = actor;
    END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_blockers_entity()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.resolved_at IS NOT NULL
        AND (NEW.entity_type, NEW.entity_id) = (OLD.entity_type, OLD.entity_id)
    THEN
        RETURN NEW;
    END IF;
    CASE NEW.entity_type
        WHEN 'program' THEN
            PERFORM 1 FROM programs WHERE program_id = NEW.entity_id FOR KEY SHARE;
        WHEN 'wave' THEN
            PERFORM 1 FROM waves WHERE wave_id = NEW.entity_id FOR KEY SHARE;
        WHEN 'task' THEN
            PERFORM 1 FROM tasks WHERE task_id = NEW.entity_id FOR KEY SHARE;
        ELSE
            RETURN NEW;  -- the check on entity_type refuses it by its own name
    END CASE;
    IF NOT FOUND AND NEW.entity_id IS NOT NULL THEN
        RAISE EXCEPTION 'There is no % with the id %.', NEW.entity_type, NEW.entity_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_blockers_entity',
                TABLE = 'blockers', COLUMN = 'entity_id';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_blockers_of_deleted()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE blockers
    SET resolved_at = now(), resolution_action = format('The %s was deleted.', TG_ARGV[0])
    WHERE entity_type = TG_ARGV[0]
        AND entity_id = (to_jsonb(OLD) ->> TG_ARGV[1])::uuid
        AND resolved_at IS NULL;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_evidence()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.governance_evidence_trail_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'Evidence is only added, never changed or removed.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_evidence_trail_append_only',
            TABLE = 'evidence_trail';
END $function$;

CREATE OR REPLACE FUNCTION public.governance_evidence_trail_witnessed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.sequence := nextval('evidence_trail_sequence_seq');
    NEW.witnessed := pg_trigger_depth() > 1;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_key_is_final()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'The id of a row cannot be changed: the evidence speaks of it.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_key_is_final',
            TABLE = TG_TABLE_NAME;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_no_truncate()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would remove rows without evidence; use DELETE.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_no_truncate',
            TABLE = TG_TABLE_NAME;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_subject(noun text, doc jsonb, OUT entity_type text, OUT entity_id uuid)
 RETURNS record
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.programs_fresh_snapshots()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'The plan cannot be changed under REPEATABLE READ.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_fresh_snapshots',
                HINT = 'Use READ COMMITTED or SERIALIZABLE.';
    END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.programs_waves_dependencies()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    wave waves;
    wrong text;
BEGIN
    PERFORM programs_fresh_snapshots();
    IF TG_OP <> 'INSERT' THEN
        PERFORM 1 FROM programs WHERE program_id = OLD.program_id FOR NO KEY UPDATE;
        SELECT waves.name INTO wrong FROM waves
        WHERE waves.program_id = OLD.program_id
            AND waves.dependencies ? OLD.wave_id::text
            AND NOT EXISTS (
                SELECT FROM waves AS still
                WHERE still.wave_id = OLD.wave_id AND still.program_id = OLD.program_id
            )
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'Wave "%" depends on wave "%", which would be gone from the program.',
                wrong, OLD.name
                USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_dependencies',
                    TABLE = 'waves', COLUMN = 'dependencies';
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;

    -- Deferred: the row may have changed again, or gone, since the event.
    PERFORM 1 FROM programs WHERE program_id = NEW.program_id FOR NO KEY UPDATE;
    SELECT * INTO wave FROM waves WHERE wave_id = NEW.wave_id;
    IF NOT FOUND OR wave.dependencies = '[]' THEN
        RETURN NULL;
    END IF;

    wrong := CASE
        WHEN jsonb_typeof(wave.dependencies) <> 'array' THEN 'must be an array of wave ids'
        WHEN EXISTS (
            SELECT FROM jsonb_array_elements(wave.dependencies) AS item
            WHERE jsonb_typeof(item) <> 'string'
        ) THEN 'must be an array of wave ids'
        WHEN EXISTS (
            SELECT FROM jsonb_array_elements_text(wave.dependencies) AS item (id)
            GROUP BY item.id HAVING count(*) > 1
        ) THEN 'name a wave twice'
        WHEN wave.dependencies ? wave.wave_id::text THEN 'name the wave itself'
        WHEN EXISTS (
            SELECT FROM jsonb_array_elements_text(wave.dependencies) AS item (id)
            WHERE NOT EXISTS (
                SELECT FROM waves AS other
                WHERE other.wave_id::text = item.id AND other.program_id = wave.program_id
            )
        ) THEN 'name something that is not a wave of the program'
    END;
    IF wrong IS NULL THEN
        WITH RECURSIVE earlier (id) AS (
            SELECT jsonb_array_elements_text(wave.dependencies)
            UNION
            SELECT jsonb_array_elements_text(waves.dependencies)
            FROM earlier JOIN waves ON waves.wave_id::text = earlier.id
            WHERE waves.program_id = wave.program_id
                AND jsonb_typeof(waves.dependencies) = 'array'
        )
        SELECT 'lead back to the wave itself' INTO wrong
        FROM earlier WHERE earlier.id = wave.wave_id::text;
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'The dependencies of wave "%" %.', wave.name, wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_dependencies',
                TABLE = 'waves', COLUMN = 'dependencies';
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.update_updated_at()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.updated_at = NOW();
    RETURN NEW;
END $function$;

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.architecture_validations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('validation', 'validation_id', '{}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.architecture_validations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('validation', 'validation_id', '{}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.architecture_validations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('validation', 'validation_id', '{}', '{}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF validation_id ON public.architecture_validations FOR EACH ROW WHEN ((new.validation_id <> old.validation_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.architecture_validations FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_blockers_entity BEFORE INSERT OR UPDATE OF entity_type, entity_id, resolved_at ON public.blockers FOR EACH ROW EXECUTE FUNCTION governance_blockers_entity();

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.blockers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('blocker', 'blocker_id', '{}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.blockers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('blocker', 'blocker_id', '{}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.blockers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('blocker', 'blocker_id', '{}', '{}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF blocker_id ON public.blockers FOR EACH ROW WHEN ((new.blocker_id <> old.blocker_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.blockers FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER builders_builder_tokens_two_valid BEFORE INSERT OR UPDATE OF builder_id, revoked_at ON public.builder_tokens FOR EACH ROW WHEN ((new.revoked_at IS NULL)) EXECUTE FUNCTION builders_builder_tokens_two_valid();

CREATE TRIGGER builders_updated_at BEFORE UPDATE ON public.builders FOR EACH ROW EXECUTE FUNCTION update_updated_at();

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.builders REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.builders REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.builders REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF builder_id ON public.builders FOR EACH ROW WHEN ((new.builder_id <> old.builder_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.builders FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_evidence_trail_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.evidence_trail FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence_trail_append_only();

CREATE TRIGGER governance_evidence_trail_witnessed BEFORE INSERT ON public.evidence_trail FOR EACH ROW EXECUTE FUNCTION governance_evidence_trail_witnessed();

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.governance_violations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('violation', 'violation_id', '{}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.governance_violations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('violation', 'violation_id', '{}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.governance_violations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('violation', 'violation_id', '{}', '{}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF violation_id ON public.governance_violations FOR EACH ROW WHEN ((new.violation_id <> old.violation_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.governance_violations FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER builders_heartbeats_apply AFTER INSERT ON public.heartbeats FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_apply();

CREATE TRIGGER builders_heartbeats_not_ahead BEFORE INSERT OR UPDATE OF "timestamp" ON public.heartbeats FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_not_ahead();

CREATE TRIGGER governance_blockers_of_deleted AFTER DELETE ON public.programs FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('program', 'program_id');

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.programs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.programs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.programs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF program_id ON public.programs FOR EACH ROW WHEN ((new.program_id <> old.program_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.programs FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER programs_updated_at BEFORE UPDATE ON public.programs FOR EACH ROW EXECUTE FUNCTION update_updated_at();

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.qa_executions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('qa_run', 'execution_id', '{}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.qa_executions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('qa_run', 'execution_id', '{}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.qa_executions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('qa_run', 'execution_id', '{}', '{}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF execution_id ON public.qa_executions FOR EACH ROW WHEN ((new.execution_id <> old.execution_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.qa_executions FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_blockers_of_deleted AFTER DELETE ON public.tasks FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('task', 'task_id');

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF task_id ON public.tasks FOR EACH ROW WHEN ((new.task_id <> old.task_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER task_progress_deleted AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();

CREATE TRIGGER task_progress_inserted AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();

CREATE TRIGGER task_progress_updated AFTER UPDATE ON public.tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();

CREATE TRIGGER tasks_updated_at BEFORE UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION update_updated_at();

CREATE TRIGGER governance_blockers_of_deleted AFTER DELETE ON public.waves FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('wave', 'wave_id');

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.waves REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.waves REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.waves REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF wave_id ON public.waves FOR EACH ROW WHEN ((new.wave_id <> old.wave_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.waves FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE CONSTRAINT TRIGGER programs_waves_dependencies AFTER INSERT OR DELETE OR UPDATE OF wave_id, program_id, dependencies ON public.waves DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION programs_waves_dependencies();

CREATE TRIGGER wave_progress_deleted AFTER DELETE ON public.waves REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();

CREATE TRIGGER wave_progress_inserted AFTER INSERT ON public.waves REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();

CREATE TRIGGER wave_progress_updated AFTER UPDATE ON public.waves REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();

CREATE TRIGGER waves_updated_at BEFORE UPDATE ON public.waves FOR EACH ROW EXECUTE FUNCTION update_updated_at();
