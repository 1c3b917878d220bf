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

CREATE OR REPLACE FUNCTION public.builders_builder_pauses_elapsed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM builders_end_pauses(NEW.builder_id);
    RETURN NEW;
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

CREATE OR REPLACE FUNCTION public.builders_builders_times()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NEW.state <> OLD.state AND NEW.state_since = OLD.state_since THEN
        NEW.state_since := CASE
            WHEN NEW.last_heartbeat > OLD.last_heartbeat THEN NEW.last_heartbeat ELSE now()
        END;
    END IF;
    IF NEW.current_task_id IS DISTINCT FROM OLD.current_task_id
        AND NEW.assigned_at IS NOT DISTINCT FROM OLD.assigned_at
    THEN
        NEW.assigned_at := CASE WHEN NEW.current_task_id IS NOT NULL THEN now() END;
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.builders_end_pauses(builder text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE sql
AS $function$
    UPDATE builder_pauses SET ended_at = ends_at
    WHERE ended_at IS NULL AND ends_at <= now() AND builder_id = coalesce(builder, builder_id)
$function$;

CREATE OR REPLACE FUNCTION public.builders_heartbeats_apply()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    actor_before CONSTANT text := coalesce(current_setting('foreman.actor', true), '');
    actor text := set_config('foreman.actor', NEW.builder_id, true);
    holds boolean;
    begins boolean;
BEGIN
    UPDATE builders SET last_heartbeat = NEW.timestamp
    WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp AND state = NEW.status
    RETURNING current_task_id = NEW.task_id, NEW.status = 'active' AND EXISTS (
        SELECT FROM tasks WHERE task_id = NEW.task_id AND tasks.state = 'assigned'
    ) INTO holds, begins;
    IF NOT FOUND THEN
        UPDATE builders SET last_heartbeat = NEW.timestamp, state = NEW.status
        WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp
        RETURNING current_task_id = NEW.task_id, NEW.status = 'active' INTO holds, begins;
    END IF;

    -- Asked when the builder is ours, and the last word of another beat about it has been said.
    IF holds AND NEW.progress_percentage IS NOT NULL AND EXISTS (
        SELECT FROM tasks
        WHERE task_id = NEW.task_id
            AND state IN ('assigned', 'in-progress', 'blocked')
            AND progress_percentage <> NEW.progress_percentage
    ) THEN
        UPDATE tasks
        SET progress_percentage = NEW.progress_percentage, worked_at = NEW.timestamp
        WHERE task_id = NEW.task_id AND state IN ('assigned', 'in-progress', 'blocked');
    END IF;
    IF holds AND begins AND EXISTS (
        SELECT FROM tasks WHERE task_id = NEW.task_id AND state = 'assigned'
    ) THEN
        BEGIN
            UPDATE tasks
            SET state = 'in-progress', started_at = coalesce(started_at, NEW.timestamp)
            WHERE task_id = NEW.task_id AND state = 'assigned';
        EXCEPTION WHEN check_violation THEN
            NULL;  -- its wave or program does not let it begin yet; the next beat asks again
        END;
    END IF;

    actor := set_config('foreman.actor', actor_before, true);
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.builders_heartbeats_lock()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM 1 FROM builders JOIN tasks ON task_id = current_task_id
    WHERE builder_id = NEW.builder_id
        AND (
            progress_percentage <> NEW.progress_percentage
            OR (tasks.state = 'assigned' AND NEW.status = 'active')
            OR tasks.state = 'blocked'
            OR builders.state = 'failed'
        )
    FOR NO KEY UPDATE OF tasks;
    RETURN NEW;
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

CREATE OR REPLACE FUNCTION public.builders_progressed_at(builder text)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
    SELECT greatest(assigned_at, worked_at, (
        SELECT max(executed_at) FROM (
            SELECT executed_at, passing_tests, max(passing_tests) OVER (
                ORDER BY executed_at, execution_id ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW
            ) AS best_before
            FROM qa_executions AS run
            WHERE run.task_id = tasks.task_id AND run.qa_suite_location = tasks.qa_suite_location
        ) AS run
        WHERE passing_tests > best_before
    ))
    FROM builders JOIN tasks ON task_id = current_task_id WHERE builder_id = builder
$function$;

CREATE OR REPLACE FUNCTION public.builders_pulse(builder text)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
    SELECT timestamp FROM heartbeats WHERE builder_id = builder ORDER BY timestamp DESC LIMIT 1
$function$;

CREATE OR REPLACE FUNCTION public.builders_quiet_since(builder builders, at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
    SELECT greatest(builder.last_heartbeat, builder.assigned_at, (
        SELECT max(coalesce(ended_at, ends_at)) FROM builder_pauses AS pause
        WHERE pause.builder_id = builder.builder_id AND coalesce(ended_at, ends_at) <= at
    ))
$function$;

CREATE OR REPLACE FUNCTION public.builders_record_heartbeat(token_digest bytea, sent_builder text, sent_task uuid, sent_status text, sent_message text, sent_progress integer, sent_id uuid, sent_at timestamp with time zone, OUT broken_rule text, OUT stored_id uuid, OUT stored_at timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
BEGIN
    SELECT recorded.broken_rule, recorded.stored_id, recorded.stored_at
    INTO broken_rule, stored_id, stored_at
    FROM builders_record_heartbeats(json_build_array(json_build_object(
        'token_digest', token_digest, 'sent_builder', sent_builder, 'sent_task', sent_task,
        'sent_status', sent_status, 'sent_message', sent_message, 'sent_progress', sent_progress,
        'sent_id', sent_id, 'sent_at', sent_at
    )), true) AS recorded;
END $function$;

CREATE OR REPLACE FUNCTION public.builders_record_heartbeats(beats json, is_patient boolean)
 RETURNS TABLE(number bigint, broken_rule text, stored_id uuid, stored_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
DECLARE
    limited text;
    beat record;
    speaker text;
BEGIN
    IF NOT is_patient THEN
        limited := set_config('lock_timeout', '250ms', true);
    END IF;
    IF json_array_length(beats) > 1 THEN
        PERFORM 1
        FROM json_to_recordset(beats)
            AS sent (sent_builder text, sent_status text, sent_progress integer)
        JOIN builders ON builder_id = sent_builder
        JOIN tasks ON task_id = current_task_id
        WHERE progress_percentage <> sent_progress
            OR (tasks.state = 'assigned' AND sent_status = 'active')
            OR tasks.state = 'blocked'
            OR builders.state = 'failed'
        ORDER BY task_id
        FOR NO KEY UPDATE OF tasks;
    END IF;

    FOR beat IN
        SELECT *
        FROM ROWS FROM (json_to_recordset(beats) AS (
            token_digest bytea, sent_builder text, sent_task uuid, sent_status text,
            sent_message text, sent_progress integer, sent_id uuid, sent_at timestamptz
        )) WITH ORDINALITY
        ORDER BY sent_builder, ordinality
    LOOP
        number := beat.ordinality;
        broken_rule := NULL;
        stored_id := NULL;
        stored_at := NULL;
        speaker := builders_authenticate(beat.token_digest);
        IF speaker IS NULL THEN
            broken_rule := 'valid_token';
        ELSIF speaker <> beat.sent_builder THEN
            broken_rule := 'own_builder';
        ELSIF beat.sent_task IS NOT NULL THEN
            -- The lock of the foreign key, early: the task cannot go before the beat is in.
            PERFORM FROM tasks WHERE task_id = beat.sent_task FOR KEY SHARE;
            IF NOT FOUND THEN
                broken_rule := 'known_task';
            END IF;
        END IF;
        IF broken_rule IS NULL THEN
            INSERT INTO heartbeats (
                heartbeat_id, builder_id, task_id, timestamp, status, message, progress_percentage
            )
            VALUES (
                coalesce(beat.sent_id, gen_random_uuid()), beat.sent_builder, beat.sent_task,
                coalesce(beat.sent_at, now()), beat.sent_status, beat.sent_message,
                beat.sent_progress
            )
            ON CONFLICT (heartbeat_id) DO NOTHING
            RETURNING heartbeat_id, timestamp INTO stored_id, stored_at;
            IF NOT FOUND THEN
                -- Sent before, perhaps a moment ago by another connection: the INSERT has waited
                -- for it. A time that was left out then or now is no difference.
                SELECT heartbeat_id, timestamp INTO stored_id, stored_at
                FROM heartbeats
                WHERE heartbeat_id = beat.sent_id
                    AND builder_id = beat.sent_builder
                    AND task_id IS NOT DISTINCT FROM beat.sent_task
                    AND timestamp = coalesce(beat.sent_at, timestamp)
                    AND status = beat.sent_status
                    AND message IS NOT DISTINCT FROM beat.sent_message
                    AND progress_percentage IS NOT DISTINCT FROM beat.sent_progress;
                IF NOT FOUND THEN
                    broken_rule := 'heartbeat_id_used_once';
                END IF;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END $function$;

CREATE OR REPLACE FUNCTION public.builders_verdict(builder text, threshold interval, at timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
    row builders;
    quiet boolean;
BEGIN
    SELECT * INTO row FROM builders WHERE builder_id = builder;
    quiet := builders_quiet_since(row, at) < at - threshold;
    RETURN CASE
        WHEN EXISTS (
            SELECT FROM builder_pauses
            WHERE builder_id = builder
                AND started_at <= at AND at < coalesce(ended_at, ends_at)
        ) THEN 'paused'
        WHEN row.state = 'failed' OR (quiet AND row.current_task_id IS NOT NULL) THEN 'silent'
        WHEN builders_pulse(builder) IS NULL THEN 'never-heard'
        WHEN quiet OR row.state = 'idle' THEN 'idle'
        WHEN row.state = 'blocked' THEN 'waiting'
        WHEN (
            SELECT count(*) = 10 AND count(DISTINCT (status, progress_percentage, message)) = 1
                AND bool_and(task_id IS NOT DISTINCT FROM row.current_task_id)
                AND min(timestamp) >= builders_progressed_at(builder)
            FROM (
                SELECT * FROM heartbeats
                WHERE builder_id = builder ORDER BY timestamp DESC LIMIT 10
            ) AS last
        ) THEN 'spinning'
        ELSE 'working'
    END;
END $function$;

CREATE OR REPLACE FUNCTION public.builders_verdict_since(builder text, verdict text, at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE verdict
        WHEN 'paused' THEN (
            SELECT max(started_at) FROM builder_pauses AS pause
            WHERE pause.builder_id = builders.builder_id AND started_at <= at
        )
        WHEN 'silent' THEN builders_quiet_since(builders, at)
        WHEN 'never-heard' THEN coalesce(assigned_at, created_at)
        WHEN 'spinning' THEN builders_progressed_at(builder)
        ELSE state_since
    END
    FROM builders WHERE builder_id = builder
$function$;

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
                    WHEN noun = 'pause' THEN 'started'
                    ELSE 'recorded'
                END
            WHEN changes ? 'current_task_id' THEN
                CASE changes -> 'current_task_id' -> 1
                    WHEN 'null' THEN 'released' ELSE 'assigned'
                END
            WHEN changes ? 'state' THEN 'state_changed'
            WHEN changes ? 'ended_at' AND changes -> 'ended_at' -> 0 = 'null' THEN 'ended'
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
    IF current_setting('foreman.override', true) <> '' THEN
        context := context
            || jsonb_build_object('override', current_setting('foreman.override', true));
    END IF;
    IF actor <> 'foreman' THEN
        SELECT builders.backend_type, builders.provenance ->> 'model' INTO backend, model
        FROM builders WHERE builders.builder_id = actor;
    END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_announce()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    untold CONSTANT text[] := TG_ARGV[1];
    docs jsonb[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        docs := ARRAY(SELECT to_jsonb(old_rows) FROM old_rows LIMIT 21);
    ELSE
        docs := ARRAY(SELECT to_jsonb(new_rows) FROM new_rows LIMIT 21);
        IF TG_OP = 'UPDATE' AND cardinality(docs) <= 20 THEN
            docs := ARRAY(
                SELECT doc FROM (
                    SELECT to_jsonb(new_rows) - untold FROM new_rows
                    UNION ALL SELECT to_jsonb(old_rows) - untold FROM old_rows
                ) AS rows (doc)
                GROUP BY doc HAVING count(*) = 1  -- before and after are not the same
            );
        END IF;
    END IF;
    PERFORM governance_announce_rows(TG_ARGV[0], docs);
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_announce_late()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF EXISTS (
        SELECT FROM new_rows JOIN builders USING (builder_id)
        WHERE new_rows.timestamp < builders.last_heartbeat
    ) THEN
        PERFORM governance_announce_rows('beat', ARRAY(
            SELECT jsonb_build_object('builder_id', builder_id, 'entity_type', 'beat',
                'entity_id', task_id)
            FROM new_rows LIMIT 21));
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_announce_pulse()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF date_bin('50 ms', NEW.updated_at, 'epoch') > date_bin('50 ms', OLD.updated_at, 'epoch') THEN
        PERFORM pg_notify('foreman',
            concat_ws(' ', 'builder:' || NEW.builder_id, 'beat:' || NEW.current_task_id));
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_announce_rows(kind text, docs jsonb[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF cardinality(docs) > 20 THEN  -- more topics might not go into the 8000 bytes of a payload
        PERFORM pg_notify('foreman', '*');
    ELSIF docs <> '{}' THEN
        PERFORM pg_notify('foreman', governance_topics(kind, docs));
    END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_architecture_ready(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'architecture_ready', coalesce(latest.build_readiness = 'READY', false),
        CASE
            WHEN tasks.architecture_reference = '' THEN 'The task names no architecture.'
            WHEN latest.build_readiness IS NULL
                THEN format('%s was never validated.', tasks.architecture_reference)
            ELSE format('%s: %s at %s %%.', tasks.architecture_reference,
                replace(latest.build_readiness, '_', ' '), latest.pass_rate)
        END
    FROM tasks
    LEFT JOIN LATERAL (
        SELECT build_readiness, pass_rate FROM architecture_validations AS validation
        WHERE validation.task_id = tasks.task_id
            AND validation.architecture_reference = tasks.architecture_reference
        ORDER BY validated_at DESC, validation_id DESC LIMIT 1
    ) AS latest ON tasks.architecture_reference <> ''
    WHERE tasks.task_id = id
$function$;

CREATE OR REPLACE FUNCTION public.governance_await_departures()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM set_config('foreman.departures', '', true);
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_block(kind text, id uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE programs SET state = 'blocked'
    WHERE kind = 'program' AND program_id = id AND state IN ('planned', 'in-progress');
    UPDATE waves SET state = 'blocked'
    WHERE kind = 'wave' AND wave_id = id AND state IN ('planned', 'in-progress');
    UPDATE tasks SET state = 'blocked'
    WHERE kind = 'task' AND task_id = id AND state IN ('planned', 'assigned', 'in-progress');
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

CREATE OR REPLACE FUNCTION public.governance_blockers_not_on_completed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    state text;
BEGIN
    IF NEW.resolved_at IS NOT NULL OR programs_is_forced() THEN
        RETURN NEW;
    END IF;
    CASE NEW.entity_type
        WHEN 'program' THEN
            SELECT programs.state INTO state FROM programs
            WHERE program_id = NEW.entity_id FOR NO KEY UPDATE;
        WHEN 'wave' THEN
            SELECT waves.state INTO state FROM waves
            WHERE wave_id = NEW.entity_id FOR NO KEY UPDATE;
        WHEN 'task' THEN
            SELECT tasks.state INTO state FROM tasks
            WHERE task_id = NEW.entity_id FOR NO KEY UPDATE;
        ELSE
            RETURN NEW;  -- the check on entity_type refuses it by its own name
    END CASE;
    IF state = 'completed' THEN
        RAISE EXCEPTION 'The % is completed: nothing blocks it any more.', NEW.entity_type
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'governance_blockers_not_on_completed',
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

CREATE OR REPLACE FUNCTION public.governance_builders_hold_their_task()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.governance_complete_what_is_done(program uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE waves SET state = 'completed'
    WHERE program_id = program AND state = 'in-progress'
        AND (SELECT bool_and(met) FROM governance_gate_complete_wave(wave_id));
    UPDATE programs SET state = 'completed'
    WHERE program_id = program AND state = 'in-progress'
        AND (SELECT bool_and(met) FROM governance_gate_complete_program(program_id));
END $function$;

CREATE OR REPLACE FUNCTION public.governance_declare_stalls(threshold interval)
 RETURNS TABLE(stalled_builder text, stalled_task uuid, silent_for interval)
 LANGUAGE plpgsql
AS $function$
DECLARE
    quiet_since timestamptz;
BEGIN
    PERFORM builders_end_pauses();
    FOR stalled_builder, stalled_task IN
        SELECT builder_id, current_task_id FROM builders
        WHERE current_task_id IS NOT NULL
            AND builders_verdict(builder_id, threshold, now()) = 'silent'
        ORDER BY current_task_id
    LOOP
        PERFORM 1 FROM tasks
        WHERE task_id = stalled_task AND state IN ('assigned', 'in-progress', 'blocked')
        FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        PERFORM 1 FROM builders
        WHERE builder_id = stalled_builder AND current_task_id = stalled_task
        FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;

        SELECT greatest(builders_quiet_since(builders, now()), stall.resolved_at) INTO quiet_since
        FROM builders
        LEFT JOIN LATERAL (
            SELECT blocker_id, resolved_at FROM blockers
            WHERE entity_type = 'task' AND entity_id = stalled_task
                AND classification = 'builder_stall'
            ORDER BY resolved_at DESC NULLS FIRST LIMIT 1
        ) AS stall ON true
        WHERE builder_id = stalled_builder
            AND builders_verdict(builder_id, threshold, now()) = 'silent'
            AND NOT (
                builders.state = 'failed'
                AND stall.blocker_id IS NOT NULL AND stall.resolved_at IS NULL
            );
        CONTINUE WHEN NOT FOUND OR quiet_since >= now() - threshold;

        UPDATE builders SET state = 'failed'
        WHERE builder_id = stalled_builder AND state <> 'failed';
        PERFORM governance_raise_blocker('task', stalled_task, 'builder_stall', format(
            '%s has this task in hand and was not heard since %s UTC.', stalled_builder,
            to_char(quiet_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')));
        silent_for := now() - quiet_since;
        RETURN NEXT;
    END LOOP;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_evidence()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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

CREATE OR REPLACE FUNCTION public.governance_follow_blockers()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF programs_is_history() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        PERFORM governance_block(entity_type, entity_id) FROM new_rows WHERE resolved_at IS NULL;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM governance_unblock(entity_type, entity_id) FROM old_rows WHERE resolved_at IS NULL;
    ELSE
        PERFORM governance_block(n.entity_type, n.entity_id)
        FROM old_rows AS o JOIN new_rows AS n USING (blocker_id)
        WHERE o.resolved_at IS NOT NULL AND n.resolved_at IS NULL;
        PERFORM governance_unblock(n.entity_type, n.entity_id)
        FROM old_rows AS o JOIN new_rows AS n USING (blocker_id)
        WHERE o.resolved_at IS NULL AND n.resolved_at IS NOT NULL;
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_follow_builders()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.governance_follow_departures()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    asked CONSTANT text := coalesce(current_setting('foreman.departures', true), '');
    places uuid[];
BEGIN
    IF programs_is_history() THEN
        RETURN NULL;
    END IF;
    -- Of many that went from one place to another it is asked once.
    IF TG_TABLE_NAME = 'tasks' THEN
        places := ARRAY[OLD.wave_id, NEW.wave_id];
    ELSE
        places := ARRAY[OLD.program_id, NEW.program_id];
    END IF;
    IF strpos(asked, places::text) > 0 THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('foreman.departures', asked || places::text, true);

    -- Locked before looking: of the last two that go at once, the later sees the earlier gone.
    IF TG_TABLE_NAME = 'tasks' THEN
        PERFORM 1 FROM waves WHERE wave_id = ANY (places) ORDER BY wave_id FOR NO KEY UPDATE;
        PERFORM governance_complete_what_is_done(program_id)
        FROM waves WHERE wave_id = ANY (places) AND state = 'in-progress';
    ELSE
        PERFORM 1 FROM programs WHERE program_id = ANY (places)
        ORDER BY program_id FOR NO KEY UPDATE;
        PERFORM governance_complete_what_is_done(program_id)
        FROM programs WHERE program_id = ANY (places) AND state = 'in-progress';
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_follow_programs()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NOT programs_is_history() THEN
        PERFORM governance_complete_what_is_done(done.program_id)
        FROM (
            SELECT n.program_id FROM old_rows AS o JOIN new_rows AS n USING (program_id)
            WHERE n.state <> o.state AND n.state = 'in-progress'
            ORDER BY n.program_id
        ) AS done;
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_follow_qa_executions()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF programs_is_history() THEN
        RETURN NULL;
    END IF;
    -- Of runs that come in at once the later sees the earlier. Locked as raising a blocker does.
    PERFORM 1 FROM blockers
    WHERE entity_type = 'task' AND classification = 'repeated_failures'
        AND entity_id IN (SELECT task_id FROM new_rows WHERE qa_status <> 'GREEN')
    ORDER BY entity_id, blocker_id FOR NO KEY UPDATE;
    PERFORM 1 FROM tasks
    WHERE task_id IN (SELECT task_id FROM new_rows WHERE qa_status <> 'GREEN')
    ORDER BY task_id FOR NO KEY UPDATE;
    PERFORM governance_raise_blocker('task', task_id, 'repeated_failures', format(
        'Three runs of %s in a row without progress: %s tests pass.',
        qa_suite_location, array_to_string(passed, ', then ')))
    FROM (
        SELECT tasks.task_id, tasks.qa_suite_location,
            array_agg(last.passing_tests ORDER BY last.executed_at, last.execution_id) AS passed,
            bool_and(last.qa_status <> 'GREEN') AS never_green
        FROM (SELECT DISTINCT task_id FROM new_rows) AS reported
        JOIN tasks USING (task_id)
        CROSS JOIN LATERAL (
            SELECT run.* FROM qa_executions AS run
            WHERE run.task_id = tasks.task_id
                AND run.qa_suite_location = tasks.qa_suite_location
                AND run.executed_at > coalesce((
                    SELECT max(resolved_at) FROM blockers
                    WHERE entity_type = 'task' AND entity_id = tasks.task_id
                        AND classification = 'repeated_failures'
                ), '-infinity')
            ORDER BY run.executed_at DESC, run.execution_id DESC LIMIT 3
        ) AS last
        WHERE tasks.state = 'in-progress'
        GROUP BY tasks.task_id, tasks.qa_suite_location
    ) AS streak
    WHERE cardinality(passed) = 3 AND never_green
        AND passed[2] <= passed[1] AND passed[3] <= passed[2];
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_follow_tasks()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    moved record;
BEGIN
    FOR moved IN
        SELECT n.*, o.assigned_builder AS builder_before
        FROM old_rows AS o JOIN new_rows AS n USING (task_id)
        WHERE n.state <> o.state OR n.assigned_builder IS DISTINCT FROM o.assigned_builder
        ORDER BY task_id
    LOOP
        -- Builder and task agree about each other, whoever wrote the one or the other.
        IF moved.state IN ('planned', 'completed', 'failed')
            OR moved.assigned_builder IS DISTINCT FROM moved.builder_before
        THEN
            UPDATE builders
            SET current_task_id = NULL,
                state = CASE state WHEN 'failed' THEN 'failed' ELSE 'idle' END
            WHERE current_task_id = moved.task_id;
        END IF;
        CONTINUE WHEN programs_is_history();  -- which takes out of hands, and puts nothing into them
        IF moved.state IN ('assigned', 'in-progress') AND moved.assigned_builder IS NOT NULL THEN
            UPDATE builders SET current_task_id = moved.task_id
            WHERE builder_id = moved.assigned_builder AND current_task_id IS NULL;
            IF NOT EXISTS (SELECT FROM builders WHERE current_task_id = moved.task_id) THEN
                RAISE EXCEPTION '% holds another task: it cannot take up "%".',
                    moved.assigned_builder, moved.name
                    USING ERRCODE = 'check_violation',
                        CONSTRAINT = 'governance_builders_hold_their_task',
                        TABLE = 'builders', COLUMN = 'current_task_id';
            END IF;
        END IF;
        IF moved.state = 'completed' THEN
            PERFORM governance_complete_what_is_done(program_id)
            FROM waves WHERE wave_id = moved.wave_id;
        END IF;
    END LOOP;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_follow_violations()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    broken record;
    rule text;
BEGIN
    IF programs_is_history() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        FOR broken IN
            SELECT * FROM new_rows WHERE task_id IS NOT NULL AND resolved_at IS NULL
            ORDER BY task_id
        LOOP
            BEGIN
                PERFORM governance_raise_blocker('task', broken.task_id,
                    'constitutional_violation',
                    format('%s: %s', broken.violation_type, broken.description));
            EXCEPTION WHEN check_violation THEN
                GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
                IF rule <> 'governance_blockers_not_on_completed' THEN
                    RAISE;
                END IF;
            END;
        END LOOP;
    ELSE
        -- Locked before looking, as above.
        PERFORM 1 FROM blockers
        WHERE entity_type = 'task' AND entity_id IN (SELECT task_id FROM new_rows)
            AND classification = 'constitutional_violation' AND resolved_at IS NULL
        ORDER BY blocker_id FOR NO KEY UPDATE;
        UPDATE blockers
        SET resolved_at = now(), resolution_action = coalesce(n.resolution, 'Violation resolved.')
        FROM old_rows AS o JOIN new_rows AS n USING (violation_id)
        WHERE o.resolved_at IS NULL AND n.resolved_at IS NOT NULL
            AND entity_type = 'task' AND entity_id = n.task_id
            AND classification = 'constitutional_violation' AND blockers.resolved_at IS NULL
            AND NOT EXISTS (
                SELECT FROM governance_violations AS other
                WHERE other.task_id = n.task_id AND other.resolved_at IS NULL
            );
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_follow_waves()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NOT programs_is_history() THEN
        PERFORM governance_complete_what_is_done(done.program_id)
        FROM (
            SELECT DISTINCT n.program_id FROM old_rows AS o JOIN new_rows AS n USING (wave_id)
            WHERE n.state <> o.state AND n.state IN ('in-progress', 'completed')
            ORDER BY n.program_id
        ) AS done;
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_gate(kind text, id uuid, source text, target text, builder text)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
    IF source = 'blocked' AND target IN ('assigned', 'in-progress') THEN
        RETURN QUERY SELECT * FROM governance_gate_unblock(kind, id, target);
    ELSIF (kind, target) = ('program', 'in-progress') THEN
        RETURN QUERY SELECT * FROM governance_gate_approve_program(id);
    ELSIF (kind, target) = ('program', 'completed') THEN
        RETURN QUERY SELECT * FROM governance_gate_complete_program(id);
    ELSIF (kind, target) = ('wave', 'in-progress') THEN
        RETURN QUERY SELECT * FROM governance_gate_start_wave(id);
    ELSIF (kind, target) = ('wave', 'completed') THEN
        RETURN QUERY SELECT * FROM governance_gate_complete_wave(id);
    ELSIF (kind, target) = ('task', 'assigned') THEN
        RETURN QUERY SELECT * FROM governance_gate_assign_task(id, builder);
    ELSIF (kind, target) = ('task', 'in-progress') THEN
        RETURN QUERY SELECT * FROM governance_gate_start_task(id);
    ELSIF (kind, target) = ('task', 'completed') THEN
        RETURN QUERY SELECT * FROM governance_gate_complete_task(id);
    END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_gate_approve_program(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
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
            SELECT waves.wave_id, dependency.id FROM waves
            CROSS JOIN LATERAL unnest(
                ARRAY(SELECT jsonb_array_elements_text(waves.dependencies))
            ) AS dependency (id)
            WHERE waves.program_id = governance_gate_approve_program.id
            UNION
            SELECT earlier.wave_id, dependency.id
            FROM earlier JOIN waves ON waves.wave_id::text = earlier.id
            CROSS JOIN LATERAL unnest(
                ARRAY(SELECT jsonb_array_elements_text(waves.dependencies))
            ) AS dependency (id)
            WHERE waves.program_id = governance_gate_approve_program.id
        )
        SELECT waves.name FROM earlier JOIN waves USING (wave_id)
        WHERE earlier.id = earlier.wave_id::text
    ) AS cycle
    UNION ALL SELECT * FROM governance_no_open_blocker('program', id)
$function$;

CREATE OR REPLACE FUNCTION public.governance_gate_assign_task(id uuid, builder text)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT * FROM governance_parents_in_progress(id)
    UNION ALL SELECT * FROM governance_architecture_ready(id)
    UNION ALL SELECT * FROM governance_suite_red(id)
    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
    UNION ALL
    SELECT 'builder_idle',
        builders.state = 'idle' AND (current_task_id IS NULL OR current_task_id = id),
        CASE
            WHEN current_task_id IS NOT NULL AND current_task_id <> id
                THEN format('%s holds another task.', builder_id)
            ELSE format('%s is %s.', builder_id, builders.state)
        END
    FROM builders WHERE builder_id = builder
$function$;

CREATE OR REPLACE FUNCTION public.governance_gate_complete_program(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'waves_completed', count(*) > 0 AND bool_and(state = 'completed'),
        format('%s of %s waves are completed.',
            count(*) FILTER (WHERE state = 'completed'), count(*))
    FROM waves WHERE program_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('program', id)
$function$;

CREATE OR REPLACE FUNCTION public.governance_gate_complete_task(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT * FROM governance_parents_in_progress(id)
    UNION ALL
    SELECT proof.rule, proof.met, proof.detail
    FROM tasks, governance_latest_run(id) AS run
    CROSS JOIN LATERAL (VALUES
        ('suite_green', coalesce(run.qa_status = 'GREEN', false),
            CASE
                WHEN tasks.qa_suite_location = '' THEN 'The task names no suite.'
                WHEN run.execution_id IS NULL
                    THEN format('%s was never run.', tasks.qa_suite_location)
                ELSE format('%s of %s tests pass, %s are skipped.',
                    run.passing_tests, run.total_tests, run.skipped_tests)
            END),
        ('no_debt', coalesce(run.test_debt_count = 0, false),
            CASE
                WHEN run.execution_id IS NULL THEN 'No run says so.'
                ELSE format('Test debt: %s.', run.test_debt_count)
            END),
        ('run_newer_than_work',
            coalesce(run.executed_at > coalesce(tasks.worked_at, '-infinity'), false),
            CASE
                WHEN run.execution_id IS NULL THEN 'There is no run.'
                WHEN tasks.worked_at IS NULL THEN 'No work was reported since.'
                WHEN run.executed_at > tasks.worked_at
                    THEN 'The latest run came after the last reported work.'
                ELSE format('Work went on for %s after the latest run.',
                    date_trunc('second', tasks.worked_at - run.executed_at))
            END)
    ) AS proof (rule, met, detail)
    WHERE tasks.task_id = id
        AND (tasks.assigned_builder IS NOT NULL OR tasks.qa_suite_location <> '')
    UNION ALL
    SELECT stand.* FROM tasks, governance_goalposts_stand(id) AS stand
    WHERE task_id = id AND qa_suite_location <> ''
    UNION ALL
    SELECT 'evidence_given', coalesce(evidence_location, '') <> '',
        coalesce(nullif(evidence_location, ''), 'No evidence location is given.')
    FROM tasks WHERE task_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
$function$;

CREATE OR REPLACE FUNCTION public.governance_gate_complete_wave(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'program_in_progress', programs.state = 'in-progress',
        format('The program is %s.', programs.state)
    FROM waves JOIN programs USING (program_id) WHERE wave_id = id
    UNION ALL
    SELECT 'tasks_completed', count(*) > 0 AND bool_and(state = 'completed'),
        CASE count(*) WHEN 0 THEN 'It has no task: give it one, or delete it.'
            ELSE format('%s of %s tasks are completed.',
                count(*) FILTER (WHERE state = 'completed'), count(*)) END
    FROM tasks WHERE wave_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id)
$function$;

CREATE OR REPLACE FUNCTION public.governance_gate_start_task(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT * FROM governance_parents_in_progress(id)
    UNION ALL
    SELECT ready.* FROM tasks, governance_architecture_ready(id) AS ready
    WHERE task_id = id AND assigned_builder IS NULL AND architecture_reference <> ''
    UNION ALL
    SELECT red.* FROM tasks, governance_suite_red(id) AS red
    WHERE task_id = id AND assigned_builder IS NULL AND qa_suite_location <> ''
    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
$function$;

CREATE OR REPLACE FUNCTION public.governance_gate_start_wave(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'program_in_progress', programs.state = 'in-progress',
        format('The program is %s.', programs.state)
    FROM waves JOIN programs USING (program_id) WHERE wave_id = id
    UNION ALL
    SELECT 'dependencies_completed', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'Every wave before it is completed.'
            ELSE format('Not completed: %s.', governance_names(array_agg(name))) END
    FROM (
        SELECT earlier.name
        FROM waves AS wave
        CROSS JOIN LATERAL jsonb_array_elements_text(wave.dependencies) AS dependency (id)
        CROSS JOIN LATERAL (
            SELECT * FROM waves WHERE waves.wave_id = dependency.id::uuid LIMIT 1
        ) AS earlier
        WHERE wave.wave_id = governance_gate_start_wave.id AND earlier.state <> 'completed'
        ORDER BY earlier.sequence_number
    ) AS waiting
    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id)
$function$;

CREATE OR REPLACE FUNCTION public.governance_gate_unblock(kind text, id uuid, target text)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT * FROM governance_no_open_blocker(kind, id)
    UNION ALL
    SELECT 'returns_to_where_it_was', target = before, format('It was %s before.', before)
    FROM governance_state_before_block(kind, id) AS before
    UNION ALL
    SELECT 'still_in_hand', builder_id IS NOT NULL,
        CASE WHEN builder_id IS NULL THEN format('%s has put it down.', assigned_builder)
            ELSE format('%s holds it.', builder_id) END
    FROM tasks LEFT JOIN builders ON current_task_id = task_id
    WHERE kind = 'task' AND task_id = id AND assigned_builder IS NOT NULL
$function$;

CREATE OR REPLACE FUNCTION public.governance_goalposts_stand(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'goalposts_stand', count(moved.name) = 0,
        CASE
            WHEN red.execution_id IS NULL THEN 'There is no run to compare with.'
            WHEN count(moved.name) = 0 THEN 'Every test that was there before work began still is.'
            ELSE concat_ws(' ',
                'Vanished: ' || governance_names(
                    array_agg(moved.name) FILTER (WHERE moved.what = 'vanished')) || '.',
                'Skipped: ' || governance_names(
                    array_agg(moved.name) FILTER (WHERE moved.what = 'skipped')) || '.')
        END
    FROM governance_red_run(id) AS red
    CROSS JOIN governance_latest_run(id) AS latest
    LEFT JOIN LATERAL governance_moved_goalposts(red.execution_id, latest.execution_id) AS moved
        ON true
    GROUP BY red.execution_id
$function$;

CREATE OR REPLACE FUNCTION public.governance_is_kept()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION '% is kept by triggers: what it follows from is to be changed.', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_is_kept', TABLE = TG_TABLE_NAME;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_is_under_way(kind text, id uuid, state text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT CASE state WHEN 'blocked' THEN governance_state_before_block(kind, id) ELSE state END
        IN ('assigned', 'in-progress')
$function$;

CREATE OR REPLACE FUNCTION public.governance_keep_latest_run(run qa_executions)
 RETURNS void
 LANGUAGE sql
AS $function$
    INSERT INTO qa_latest_runs AS kept (
        execution_id, task_id, qa_suite_location, executed_at, qa_status,
        total_tests, passing_tests, failing_tests, skipped_tests, test_debt_count
    ) VALUES (
        run.execution_id, run.task_id, run.qa_suite_location, run.executed_at, run.qa_status,
        run.total_tests, run.passing_tests, run.failing_tests, run.skipped_tests,
        run.test_debt_count
    )
    ON CONFLICT (task_id, qa_suite_location) DO UPDATE SET
        execution_id = EXCLUDED.execution_id, executed_at = EXCLUDED.executed_at,
        qa_status = EXCLUDED.qa_status, total_tests = EXCLUDED.total_tests,
        passing_tests = EXCLUDED.passing_tests, failing_tests = EXCLUDED.failing_tests,
        skipped_tests = EXCLUDED.skipped_tests, test_debt_count = EXCLUDED.test_debt_count
    WHERE (kept.executed_at, kept.execution_id) < (EXCLUDED.executed_at, EXCLUDED.execution_id)
$function$;

CREATE OR REPLACE FUNCTION public.governance_keep_latest_runs()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM qa_latest_runs
        WHERE (task_id, qa_suite_location) IN (SELECT task_id, qa_suite_location FROM old_rows);
        PERFORM governance_keep_latest_run(run) FROM qa_executions AS run
        WHERE (task_id, qa_suite_location) IN (SELECT task_id, qa_suite_location FROM old_rows)
        ORDER BY task_id, qa_suite_location, executed_at DESC, execution_id DESC;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM governance_keep_latest_run(run)
        FROM qa_executions AS run JOIN new_rows AS new USING (execution_id)
        ORDER BY run.task_id, run.qa_suite_location, run.executed_at DESC, run.execution_id DESC;
    END IF;
    RETURN NULL;
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

CREATE OR REPLACE FUNCTION public.governance_latest_run(id uuid)
 RETURNS qa_executions
 LANGUAGE sql
 STABLE
AS $function$
    SELECT run.* FROM qa_executions AS run JOIN tasks USING (task_id)
    WHERE run.task_id = id AND run.qa_suite_location = tasks.qa_suite_location
        AND tasks.qa_suite_location <> ''
    ORDER BY run.executed_at DESC, run.execution_id DESC LIMIT 1
$function$;

CREATE OR REPLACE FUNCTION public.governance_moved_goalposts(before uuid, after uuid)
 RETURNS TABLE(name text, what text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT b.name, CASE WHEN a.name IS NULL THEN 'vanished' ELSE 'skipped' END
    FROM qa_test_results AS b
    LEFT JOIN qa_test_results AS a ON a.execution_id = after AND a.name = b.name
    WHERE b.execution_id = before AND b.outcome <> 'skipped'
        AND (a.name IS NULL OR a.outcome = 'skipped')
    UNION ALL
    SELECT format('%s of %s tests', b.total_tests - a.total_tests, b.total_tests), 'vanished'
    FROM qa_executions AS b, qa_executions AS a
    WHERE b.execution_id = before AND a.execution_id = after
        AND a.total_tests < b.total_tests
        AND NOT EXISTS (SELECT FROM qa_test_results WHERE execution_id = before)
    ORDER BY 2, 1
$function$;

CREATE OR REPLACE FUNCTION public.governance_names(names text[])
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT array_to_string(names[1:3], ', ')
        || CASE WHEN cardinality(names) > 3
            THEN format(' and %s more', cardinality(names) - 3) ELSE '' END
$function$;

CREATE OR REPLACE FUNCTION public.governance_no_open_blocker(kind text, id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'no_open_blocker', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'Nothing blocks it.'
            ELSE 'Open: ' || string_agg(replace(classification, '_', ' '), ', ') || '.' END
    FROM blockers WHERE entity_type = kind AND entity_id = id AND resolved_at IS NULL
$function$;

CREATE OR REPLACE FUNCTION public.governance_no_truncate()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would remove rows without evidence; use DELETE.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_no_truncate',
            TABLE = TG_TABLE_NAME;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_no_unresolved_violation(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'no_unresolved_violation', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'No rule is broken.'
            ELSE 'Unresolved: ' || string_agg(violation_type, ', ') || '.' END
    FROM governance_violations WHERE task_id = id AND resolved_at IS NULL
$function$;

CREATE OR REPLACE FUNCTION public.governance_parents_in_progress(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT parent.rule, parent.state = 'in-progress', parent.detail
    FROM tasks JOIN waves USING (wave_id) JOIN programs USING (program_id)
    CROSS JOIN LATERAL (VALUES
        ('wave_in_progress', waves.state, format('The wave is %s.', waves.state)),
        ('program_in_progress', programs.state, format('The program is %s.', programs.state))
    ) AS parent (rule, state, detail)
    WHERE task_id = id
$function$;

CREATE OR REPLACE FUNCTION public.governance_programs_gate()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NEW.state <> OLD.state AND NEW.state IN ('in-progress', 'completed')
        AND NOT programs_is_forced()
    THEN
        PERFORM governance_refuse('program', NEW.program_id, OLD.state, NEW.state, NULL);
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_programs_open()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    moved uuid[];
    left_behind uuid[];
    entered uuid[];
    closed text;
    begun text;
    state text;
BEGIN
    IF programs_is_forced() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT program_id) INTO entered FROM new_rows;
    ELSE
        SELECT array_agg(wave_id), array_agg(o.program_id), array_agg(n.program_id)
        INTO moved, left_behind, entered
        FROM old_rows AS o JOIN new_rows AS n USING (wave_id)
        WHERE n.program_id <> o.program_id;
    END IF;
    IF entered IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM programs WHERE program_id = ANY (left_behind || entered)
    ORDER BY program_id FOR NO KEY UPDATE;
    SELECT name INTO closed FROM programs
    WHERE program_id = ANY (entered) AND programs.state = 'completed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Program "%" is completed: nothing is added to it.', closed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_programs_open',
                TABLE = 'waves', COLUMN = 'program_id';
    END IF;
    SELECT waves.name, programs.state INTO begun, state
    FROM waves JOIN programs USING (program_id)
    WHERE wave_id = ANY (moved) AND programs.state <> 'in-progress'
        AND governance_is_under_way('wave', wave_id, waves.state)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Wave "%" is under way: only a program in progress takes it in. '
            'The program is %.', begun, state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_programs_in_progress',
                TABLE = 'waves', COLUMN = 'program_id';
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_raise_blocker(kind text, id uuid, trouble text, what_happened text)
 RETURNS uuid
 LANGUAGE plpgsql
AS $function$
DECLARE
    known uuid;
BEGIN
    SELECT blocker_id INTO known FROM blockers
    WHERE entity_type = kind AND entity_id = id AND classification = trouble
    ORDER BY resolved_at DESC NULLS FIRST, detected_at DESC LIMIT 1
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO blockers (entity_type, entity_id, classification, description)
        VALUES (kind, id, trouble, what_happened)
        ON CONFLICT (entity_type, entity_id, classification) WHERE resolved_at IS NULL
        DO UPDATE SET occurrences = blockers.occurrences + 1, description = excluded.description
        RETURNING blocker_id INTO known;
    ELSE
        UPDATE blockers
        SET occurrences = occurrences + 1,
            description = what_happened,
            detected_at = CASE WHEN resolved_at IS NULL THEN detected_at ELSE now() END,
            resolved_at = NULL,
            resolution_action = NULL
        WHERE blocker_id = known;
    END IF;
    RETURN known;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_red_run(id uuid)
 RETURNS qa_executions
 LANGUAGE sql
 STABLE
AS $function$
    SELECT run.*
    FROM tasks
    JOIN qa_executions AS run ON run.task_id = tasks.task_id
        AND run.qa_suite_location = tasks.qa_suite_location AND tasks.qa_suite_location <> ''
    LEFT JOIN LATERAL (
        SELECT timestamp AS at FROM evidence_trail
        WHERE entity_type = 'task' AND entity_id = tasks.task_id AND witnessed
            AND context ->> 'from' = 'planned' AND context ->> 'to' IN ('assigned', 'in-progress')
        ORDER BY sequence DESC LIMIT 1
    ) AS begun ON true
    WHERE tasks.task_id = id
    ORDER BY
        run.executed_at <= begun.at DESC NULLS LAST,
        CASE WHEN run.executed_at <= begun.at THEN run.executed_at END DESC,
        run.executed_at,
        run.execution_id
    LIMIT 1
$function$;

CREATE OR REPLACE FUNCTION public.governance_refuse(kind text, id uuid, source text, target text, builder text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
    unmet jsonb;
    reasons text;
BEGIN
    SELECT jsonb_agg(to_jsonb(gate)), string_agg(gate.detail, ' ') INTO unmet, reasons
    FROM governance_gate(kind, id, source, target, builder) AS gate WHERE NOT gate.met;
    IF FOUND AND unmet IS NOT NULL THEN
        RAISE EXCEPTION 'The % cannot become %. %', kind, target, reasons
            USING ERRCODE = 'check_violation', CONSTRAINT = format('governance_%ss_gate', kind),
                TABLE = kind || 's', COLUMN = 'state', DETAIL = unmet::text;
    END IF;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_state_before_block(kind text, id uuid)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce((
        SELECT context ->> 'from' FROM evidence_trail
        WHERE entity_type = kind AND entity_id = id
            AND witnessed AND context ->> 'to' = 'blocked'
        ORDER BY sequence DESC LIMIT 1
    ), 'planned')
$function$;

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

CREATE OR REPLACE FUNCTION public.governance_suite_red(id uuid)
 RETURNS TABLE(rule text, met boolean, detail text)
 LANGUAGE sql
 STABLE
AS $function$
    SELECT 'suite_red', coalesce(run.failing_tests > 0 AND run.skipped_tests = 0, false),
        CASE
            WHEN tasks.qa_suite_location = '' THEN 'The task names no suite.'
            WHEN run.execution_id IS NULL THEN format('%s was never run.', tasks.qa_suite_location)
            WHEN run.skipped_tests > 0
                THEN format('%s of %s tests are skipped.', run.skipped_tests, run.total_tests)
            WHEN run.failing_tests = 0
                THEN format('All %s tests pass: nothing is left to build.', run.total_tests)
            ELSE format('%s of %s tests fail.', run.failing_tests, run.total_tests)
        END
    FROM tasks, governance_latest_run(id) AS run
    WHERE tasks.task_id = id
$function$;

CREATE OR REPLACE FUNCTION public.governance_tasks_gate()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    -- What somebody works on is given to nobody else: it is released first, and assigned anew.
    IF NEW.assigned_builder IS DISTINCT FROM OLD.assigned_builder
        AND 'planned' NOT IN (OLD.state, NEW.state)
        AND (OLD.state <> 'blocked' OR EXISTS (
            SELECT FROM builders WHERE current_task_id = NEW.task_id
        ))
        AND NOT programs_is_forced()
    THEN
        RAISE EXCEPTION 'The % task "%" is %: it cannot be given to another.', OLD.state, NEW.name,
            CASE WHEN OLD.assigned_builder IS NULL THEN 'the foreman''s own work'
                ELSE 'with ' || OLD.assigned_builder END
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_tasks_in_hand',
                TABLE = 'tasks', COLUMN = 'assigned_builder';
    END IF;
    IF NEW.state = OLD.state OR NEW.state NOT IN ('assigned', 'in-progress', 'completed') THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM builders
    WHERE builder_id = NEW.assigned_builder OR current_task_id = NEW.task_id
    ORDER BY builder_id FOR NO KEY UPDATE;
    PERFORM 1 FROM waves WHERE wave_id = NEW.wave_id FOR NO KEY UPDATE;
    PERFORM 1 FROM programs JOIN waves USING (program_id)
    WHERE wave_id = NEW.wave_id FOR NO KEY UPDATE OF programs;
    IF NOT programs_is_forced() THEN
        PERFORM governance_refuse(
            'task', NEW.task_id, OLD.state, NEW.state, NEW.assigned_builder);
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_token_evidence()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    token builder_tokens;
    verb text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        token := OLD;
        verb := 'token_deleted';
    ELSIF TG_OP = 'INSERT' THEN
        token := NEW;
        verb := 'token_issued';
    ELSE
        token := NEW;
        verb := CASE
            WHEN NEW.builder_id <> OLD.builder_id OR NEW.digest <> OLD.digest THEN 'token_edited'
            WHEN NEW.revoked_at IS NOT DISTINCT FROM OLD.revoked_at THEN NULL  -- it was used
            WHEN NEW.revoked_at IS NULL THEN 'token_restored'
            WHEN OLD.revoked_at IS NULL THEN 'token_revoked'
            ELSE 'token_edited'
        END;
    END IF;
    IF verb IS NOT NULL THEN
        INSERT INTO evidence_trail
            (entity_type, entity_id, action, actor, backend, model, context)
        SELECT 'builder', builder_entity_id(token.builder_id), verb,
            who.actor, who.backend, who.model,
            who.context || jsonb_build_object('snapshot', jsonb_build_object(
                'token_id', token.token_id,
                'builder_id', token.builder_id,
                'prefix', token.prefix,
                'created_at', token.created_at,
                'revoked_at', token.revoked_at))
        FROM governance_actor() AS who;
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_topics(kind text, docs jsonb[])
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
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
    ))
$function$;

CREATE OR REPLACE FUNCTION public.governance_unblock(kind text, id uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
    before text;
BEGIN
    -- Locked before looking: of the last two that are resolved at once, the later sees the earlier.
    PERFORM 1 FROM programs WHERE kind = 'program' AND program_id = id FOR NO KEY UPDATE;
    PERFORM 1 FROM waves WHERE kind = 'wave' AND wave_id = id FOR NO KEY UPDATE;
    PERFORM 1 FROM tasks WHERE kind = 'task' AND task_id = id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM blockers WHERE entity_type = kind AND entity_id = id AND resolved_at IS NULL
    ) THEN
        RETURN;
    END IF;
    before := governance_state_before_block(kind, id);
    UPDATE programs SET state = before
    WHERE kind = 'program' AND program_id = id AND state = 'blocked';
    UPDATE waves SET state = before
    WHERE kind = 'wave' AND wave_id = id AND state = 'blocked';
    UPDATE tasks SET state = CASE
        WHEN assigned_builder IS NULL
            OR EXISTS (SELECT FROM builders WHERE current_task_id = task_id)
        THEN before ELSE 'planned' END
    WHERE kind = 'task' AND task_id = id AND state = 'blocked';
END $function$;

CREATE OR REPLACE FUNCTION public.governance_violations_lock()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NEW.resolved_at IS NULL AND NOT programs_is_history() THEN
        PERFORM 1 FROM blockers
        WHERE entity_type = 'task' AND entity_id = NEW.task_id
            AND classification = 'constitutional_violation'
        ORDER BY blocker_id FOR NO KEY UPDATE;
        PERFORM 1 FROM tasks WHERE task_id = NEW.task_id FOR NO KEY UPDATE;
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_waves_gate()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NEW.state = OLD.state OR NEW.state NOT IN ('in-progress', 'completed') THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(NEW.dependencies) = 'array' THEN
        PERFORM 1 FROM waves
        WHERE program_id = NEW.program_id
            AND wave_id::text IN (SELECT jsonb_array_elements_text(NEW.dependencies))
        ORDER BY wave_id FOR SHARE;
    END IF;
    PERFORM 1 FROM programs WHERE program_id = NEW.program_id FOR NO KEY UPDATE;
    IF NOT programs_is_forced() THEN
        PERFORM governance_refuse('wave', NEW.wave_id, OLD.state, NEW.state, NULL);
    END IF;
    RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.governance_waves_open()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    moved uuid[];
    left_behind uuid[];
    entered uuid[];
    closed text;
    begun text;
    reasons text;
BEGIN
    IF programs_is_forced() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT wave_id) INTO entered FROM new_rows;
    ELSE
        SELECT array_agg(task_id), array_agg(o.wave_id), array_agg(n.wave_id)
        INTO moved, left_behind, entered
        FROM old_rows AS o JOIN new_rows AS n USING (task_id)
        WHERE n.wave_id <> o.wave_id;
    END IF;
    IF entered IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM waves WHERE wave_id = ANY (left_behind || entered)
    ORDER BY wave_id FOR NO KEY UPDATE;
    SELECT name INTO closed FROM waves
    WHERE wave_id = ANY (entered) AND state = 'completed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Wave "%" is completed: nothing is added to it.', closed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_waves_open',
                TABLE = 'tasks', COLUMN = 'wave_id';
    END IF;

    moved := ARRAY(
        SELECT task_id FROM tasks
        WHERE task_id = ANY (moved) AND governance_is_under_way('task', task_id, state)
    );
    PERFORM 1 FROM programs
    WHERE program_id IN (
        SELECT program_id FROM tasks JOIN waves USING (wave_id) WHERE task_id = ANY (moved)
    )
    ORDER BY program_id FOR NO KEY UPDATE;
    SELECT tasks.name, string_agg(parent.detail, ' ') INTO begun, reasons
    FROM tasks CROSS JOIN LATERAL governance_parents_in_progress(task_id) AS parent
    WHERE task_id = ANY (moved) AND NOT parent.met
    GROUP BY task_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Task "%" is under way: only a wave in progress takes it in. %',
            begun, reasons
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_waves_in_progress',
                TABLE = 'tasks', COLUMN = 'wave_id';
    END IF;
    RETURN NULL;
END $function$;

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

CREATE OR REPLACE FUNCTION public.programs_is_forced()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce(current_setting('foreman.override', true), '') <> '' OR programs_is_history()
$function$;

CREATE OR REPLACE FUNCTION public.programs_is_history()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
    SELECT coalesce(nullif(current_setting('foreman.context', true), ''), '{}')::jsonb ? 'import'
$function$;

CREATE OR REPLACE FUNCTION public.programs_programs_moves()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('planned', 'in-progress'),     ('planned', 'blocked'),
        ('in-progress', 'blocked'),     ('in-progress', 'completed'),  ('in-progress', 'failed'),
        ('blocked', 'planned'),         ('blocked', 'in-progress'),    ('blocked', 'failed'),
        ('failed', 'in-progress')
    ) AND NOT programs_is_forced() THEN
        RAISE EXCEPTION 'This program is %: it cannot become %.', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_programs_moves',
                TABLE = 'programs', COLUMN = 'state';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.programs_tasks_moves()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('planned', 'assigned'),        ('planned', 'blocked'),
        ('assigned', 'in-progress'),    ('assigned', 'planned'),       ('assigned', 'blocked'),
        ('in-progress', 'completed'),   ('in-progress', 'blocked'),    ('in-progress', 'failed'),
        ('blocked', 'planned'),         ('blocked', 'assigned'),       ('blocked', 'in-progress'),
        ('blocked', 'failed'),          ('failed', 'planned')
    ) AND NOT (
        NEW.assigned_builder IS NULL AND (OLD.state, NEW.state) = ('planned', 'in-progress')
    ) AND NOT programs_is_forced() THEN
        RAISE EXCEPTION 'This task is %: it cannot become %.', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_tasks_moves',
                TABLE = 'tasks', COLUMN = 'state';
    END IF;
    IF NEW.state = 'assigned' AND NEW.assigned_builder IS NULL AND NOT programs_is_forced() THEN
        RAISE EXCEPTION 'A task without a builder cannot be assigned.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_tasks_moves',
                TABLE = 'tasks', COLUMN = 'assigned_builder';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.programs_tasks_times()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF NEW.state = 'in-progress' THEN
        NEW.started_at := coalesce(NEW.started_at, now());
        NEW.completed_at := NULL;
    ELSIF NEW.state = 'completed' THEN
        NEW.started_at := coalesce(NEW.started_at, now());
        NEW.completed_at := coalesce(NEW.completed_at, now());
        NEW.progress_percentage := 100;
    END IF;
    RETURN NEW;
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

CREATE OR REPLACE FUNCTION public.programs_waves_moves()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('planned', 'in-progress'),     ('planned', 'blocked'),
        ('in-progress', 'blocked'),     ('in-progress', 'completed'),  ('in-progress', 'failed'),
        ('blocked', 'planned'),         ('blocked', 'in-progress'),    ('blocked', 'failed'),
        ('failed', 'in-progress')
    ) AND NOT programs_is_forced() THEN
        RAISE EXCEPTION 'This wave is %: it cannot become %.', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_moves',
                TABLE = 'waves', COLUMN = 'state';
    END IF;
    RETURN NEW;
END $function$;

CREATE OR REPLACE FUNCTION public.update_updated_at()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.updated_at = NOW();
    RETURN NEW;
END $function$;

CREATE TRIGGER governance_announce_deleted AFTER DELETE ON public.architecture_validations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('validation', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.architecture_validations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('validation', '{}');

CREATE TRIGGER governance_announce_updated AFTER UPDATE ON public.architecture_validations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('validation', '{}');

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.architecture_validations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('validation', 'validation_id', '{}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.architecture_validations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('validation', 'validation_id', '{}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.architecture_validations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('validation', 'validation_id', '{}', '{}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF validation_id ON public.architecture_validations FOR EACH ROW WHEN ((new.validation_id <> old.validation_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.architecture_validations FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_announce_deleted AFTER DELETE ON public.blockers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('blocker', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.blockers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('blocker', '{}');

CREATE TRIGGER governance_announce_updated AFTER UPDATE ON public.blockers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('blocker', '{}');

CREATE TRIGGER governance_blockers_entity BEFORE INSERT OR UPDATE OF entity_type, entity_id, resolved_at ON public.blockers FOR EACH ROW EXECUTE FUNCTION governance_blockers_entity();

CREATE TRIGGER governance_blockers_not_on_completed BEFORE INSERT OR UPDATE OF resolved_at ON public.blockers FOR EACH ROW EXECUTE FUNCTION governance_blockers_not_on_completed();

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.blockers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('blocker', 'blocker_id', '{}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.blockers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('blocker', 'blocker_id', '{}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.blockers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('blocker', 'blocker_id', '{}', '{}');

CREATE TRIGGER governance_follow_blockers_deleted AFTER DELETE ON public.blockers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();

CREATE TRIGGER governance_follow_blockers_inserted AFTER INSERT ON public.blockers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();

CREATE TRIGGER governance_follow_blockers_updated AFTER UPDATE ON public.blockers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF blocker_id ON public.blockers FOR EACH ROW WHEN ((new.blocker_id <> old.blocker_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.blockers FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER builders_builder_pauses_elapsed BEFORE INSERT ON public.builder_pauses FOR EACH ROW EXECUTE FUNCTION builders_builder_pauses_elapsed();

CREATE TRIGGER governance_announce_deleted AFTER DELETE ON public.builder_pauses REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('pause', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.builder_pauses REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('pause', '{}');

CREATE TRIGGER governance_announce_updated AFTER UPDATE ON public.builder_pauses REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('pause', '{}');

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.builder_pauses REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('pause', 'pause_id', '{}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.builder_pauses REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('pause', 'pause_id', '{}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.builder_pauses REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('pause', 'pause_id', '{}', '{}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF pause_id ON public.builder_pauses FOR EACH ROW WHEN ((new.pause_id <> old.pause_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.builder_pauses FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER builders_builder_tokens_two_valid BEFORE INSERT OR UPDATE OF builder_id, revoked_at ON public.builder_tokens FOR EACH ROW WHEN ((new.revoked_at IS NULL)) EXECUTE FUNCTION builders_builder_tokens_two_valid();

CREATE TRIGGER governance_announce_deleted AFTER DELETE ON public.builder_tokens REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('token', '{last_used_at}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.builder_tokens REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('token', '{last_used_at}');

CREATE TRIGGER governance_announce_updated AFTER UPDATE ON public.builder_tokens REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('token', '{last_used_at}');

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.builder_tokens FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_token_evidence AFTER INSERT OR DELETE OR UPDATE ON public.builder_tokens FOR EACH ROW EXECUTE FUNCTION governance_token_evidence();

CREATE TRIGGER builders_builders_times BEFORE UPDATE OF state, current_task_id ON public.builders FOR EACH ROW EXECUTE FUNCTION builders_builders_times();

CREATE TRIGGER builders_updated_at BEFORE UPDATE ON public.builders FOR EACH ROW EXECUTE FUNCTION update_updated_at();

CREATE TRIGGER governance_announce_pulse AFTER UPDATE ON public.builders FOR EACH ROW EXECUTE FUNCTION governance_announce_pulse();

CREATE CONSTRAINT TRIGGER governance_builders_hold_their_task AFTER INSERT OR UPDATE OF current_task_id ON public.builders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance_builders_hold_their_task();

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.builders REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.builders REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE OF backend_type, current_task_id, state, provenance, created_at, state_since, assigned_at ON public.builders FOR EACH ROW EXECUTE FUNCTION governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');

CREATE TRIGGER governance_follow_builders AFTER UPDATE ON public.builders FOR EACH ROW EXECUTE FUNCTION governance_follow_builders();

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF builder_id ON public.builders FOR EACH ROW WHEN ((new.builder_id <> old.builder_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.builders FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_announce_deleted AFTER DELETE ON public.completion_claims REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('claim', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.completion_claims REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('claim', '{}');

CREATE TRIGGER governance_announce_updated AFTER UPDATE ON public.completion_claims REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('claim', '{}');

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.completion_claims REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('claim', 'claim_id', '{}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.completion_claims REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('claim', 'claim_id', '{}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.completion_claims REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('claim', 'claim_id', '{}', '{}');

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF claim_id ON public.completion_claims FOR EACH ROW WHEN ((new.claim_id <> old.claim_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.completion_claims FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.evidence_trail REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('evidence', '{}');

CREATE TRIGGER governance_evidence_trail_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.evidence_trail FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence_trail_append_only();

CREATE TRIGGER governance_evidence_trail_witnessed BEFORE INSERT ON public.evidence_trail FOR EACH ROW EXECUTE FUNCTION governance_evidence_trail_witnessed();

CREATE TRIGGER governance_announce_deleted AFTER DELETE ON public.governance_violations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('violation', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.governance_violations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('violation', '{}');

CREATE TRIGGER governance_announce_updated AFTER UPDATE ON public.governance_violations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('violation', '{}');

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.governance_violations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('violation', 'violation_id', '{}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.governance_violations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('violation', 'violation_id', '{}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.governance_violations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('violation', 'violation_id', '{}', '{}');

CREATE TRIGGER governance_follow_violations_inserted AFTER INSERT ON public.governance_violations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_violations();

CREATE TRIGGER governance_follow_violations_updated AFTER UPDATE ON public.governance_violations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_violations();

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF violation_id ON public.governance_violations FOR EACH ROW WHEN ((new.violation_id <> old.violation_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.governance_violations FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_violations_lock BEFORE INSERT ON public.governance_violations FOR EACH ROW EXECUTE FUNCTION governance_violations_lock();

CREATE TRIGGER builders_heartbeats_apply AFTER INSERT ON public.heartbeats FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_apply();

CREATE TRIGGER builders_heartbeats_lock BEFORE INSERT ON public.heartbeats FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_lock();

CREATE TRIGGER builders_heartbeats_not_ahead BEFORE INSERT OR UPDATE OF "timestamp" ON public.heartbeats FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_not_ahead();

CREATE TRIGGER governance_announce_late AFTER INSERT ON public.heartbeats REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce_late();

CREATE TRIGGER governance_announce_deleted AFTER DELETE ON public.programs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('program', '{updated_at,progress_percentage}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.programs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('program', '{updated_at,progress_percentage}');

CREATE TRIGGER governance_announce_updated AFTER UPDATE ON public.programs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('program', '{updated_at,progress_percentage}');

CREATE TRIGGER governance_blockers_of_deleted AFTER DELETE ON public.programs FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('program', 'program_id');

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.programs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.programs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.programs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_follow_programs AFTER UPDATE ON public.programs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_programs();

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF program_id ON public.programs FOR EACH ROW WHEN ((new.program_id <> old.program_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.programs FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_programs_gate AFTER UPDATE ON public.programs FOR EACH ROW EXECUTE FUNCTION governance_programs_gate();

CREATE TRIGGER programs_programs_moves BEFORE UPDATE ON public.programs FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION programs_programs_moves();

CREATE TRIGGER programs_updated_at BEFORE UPDATE ON public.programs FOR EACH ROW EXECUTE FUNCTION update_updated_at();

CREATE TRIGGER governance_announce_deleted AFTER DELETE ON public.qa_executions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('run', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.qa_executions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('run', '{}');

CREATE TRIGGER governance_announce_updated AFTER UPDATE ON public.qa_executions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('run', '{}');

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.qa_executions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('qa_run', 'execution_id', '{}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.qa_executions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('qa_run', 'execution_id', '{}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.qa_executions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('qa_run', 'execution_id', '{}', '{}');

CREATE TRIGGER governance_follow_qa_executions AFTER INSERT ON public.qa_executions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_qa_executions();

CREATE TRIGGER governance_keep_latest_runs_deleted AFTER DELETE ON public.qa_executions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();

CREATE TRIGGER governance_keep_latest_runs_inserted AFTER INSERT ON public.qa_executions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();

CREATE TRIGGER governance_keep_latest_runs_updated AFTER UPDATE ON public.qa_executions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF execution_id ON public.qa_executions FOR EACH ROW WHEN ((new.execution_id <> old.execution_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.qa_executions FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_is_kept BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.qa_latest_runs FOR EACH STATEMENT WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION governance_is_kept();

CREATE TRIGGER governance_announce_deleted AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('task', '{updated_at}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('task', '{updated_at}');

CREATE TRIGGER governance_announce_updated AFTER UPDATE ON public.tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('task', '{updated_at}');

CREATE TRIGGER governance_await_departures BEFORE DELETE OR UPDATE OF wave_id ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION governance_await_departures();

CREATE TRIGGER governance_blockers_of_deleted AFTER DELETE ON public.tasks FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('task', 'task_id');

CREATE CONSTRAINT TRIGGER governance_builders_hold_their_task AFTER UPDATE ON public.tasks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance_builders_hold_their_task();

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('task', 'task_id', '{updated_at,worked_at}', '{progress_percentage}');

CREATE CONSTRAINT TRIGGER governance_follow_departures AFTER DELETE OR UPDATE OF wave_id ON public.tasks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance_follow_departures();

CREATE TRIGGER governance_follow_tasks AFTER UPDATE ON public.tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_tasks();

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF task_id ON public.tasks FOR EACH ROW WHEN ((new.task_id <> old.task_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_tasks_gate AFTER UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION governance_tasks_gate();

CREATE TRIGGER governance_waves_open AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_waves_open();

CREATE TRIGGER governance_waves_open_to_moved AFTER UPDATE ON public.tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_waves_open();

CREATE TRIGGER programs_tasks_moves BEFORE UPDATE ON public.tasks FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION programs_tasks_moves();

CREATE TRIGGER programs_tasks_times BEFORE UPDATE ON public.tasks FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) AND (NOT programs_is_history()))) EXECUTE FUNCTION programs_tasks_times();

CREATE TRIGGER task_progress_deleted AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();

CREATE TRIGGER task_progress_inserted AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();

CREATE TRIGGER task_progress_updated AFTER UPDATE ON public.tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();

CREATE TRIGGER tasks_updated_at BEFORE UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION update_updated_at();

CREATE TRIGGER governance_announce_deleted AFTER DELETE ON public.waves REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('wave', '{updated_at,progress_percentage}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON public.waves REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('wave', '{updated_at,progress_percentage}');

CREATE TRIGGER governance_announce_updated AFTER UPDATE ON public.waves REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('wave', '{updated_at,progress_percentage}');

CREATE TRIGGER governance_await_departures BEFORE DELETE OR UPDATE OF program_id ON public.waves FOR EACH STATEMENT EXECUTE FUNCTION governance_await_departures();

CREATE TRIGGER governance_blockers_of_deleted AFTER DELETE ON public.waves FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('wave', 'wave_id');

CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON public.waves REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON public.waves REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');

CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON public.waves REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');

CREATE CONSTRAINT TRIGGER governance_follow_departures AFTER DELETE OR UPDATE OF program_id ON public.waves DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance_follow_departures();

CREATE TRIGGER governance_follow_waves AFTER UPDATE ON public.waves REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_waves();

CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF wave_id ON public.waves FOR EACH ROW WHEN ((new.wave_id <> old.wave_id)) EXECUTE FUNCTION governance_key_is_final();

CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON public.waves FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE TRIGGER governance_programs_open AFTER INSERT ON public.waves REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_programs_open();

CREATE TRIGGER governance_programs_open_to_moved AFTER UPDATE ON public.waves REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION governance_programs_open();

CREATE TRIGGER governance_waves_gate AFTER UPDATE ON public.waves FOR EACH ROW EXECUTE FUNCTION governance_waves_gate();

CREATE CONSTRAINT TRIGGER programs_waves_dependencies AFTER INSERT OR DELETE OR UPDATE OF wave_id, program_id, dependencies ON public.waves DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION programs_waves_dependencies();

CREATE TRIGGER programs_waves_moves BEFORE UPDATE ON public.waves FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION programs_waves_moves();

CREATE TRIGGER wave_progress_deleted AFTER DELETE ON public.waves REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();

CREATE TRIGGER wave_progress_inserted AFTER INSERT ON public.waves REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();

CREATE TRIGGER wave_progress_updated AFTER UPDATE ON public.waves REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();

CREATE TRIGGER waves_updated_at BEFORE UPDATE ON public.waves FOR EACH ROW EXECUTE FUNCTION update_updated_at();
