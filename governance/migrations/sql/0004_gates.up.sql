-- The gates. Each is a function that answers with one row per condition, which the trigger that
-- refuses and the page that explains both call: a reason is never stored and never stale.

-- The state that an entity had before it was blocked, read from the trail; planned where the trail
-- does not know (an imported entity may have arrived blocked).
CREATE FUNCTION governance_state_before_block(kind text, id uuid) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT context ->> 'from' FROM evidence_trail
        WHERE entity_type = kind AND entity_id = id
            AND witnessed AND context ->> 'to' = 'blocked'
        ORDER BY sequence DESC LIMIT 1
    ), 'planned')
$$;

CREATE FUNCTION governance_names(names text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT array_to_string(names[1:3], ', ')
        || CASE WHEN cardinality(names) > 3
            THEN format(' and %s more', cardinality(names) - 3) ELSE '' END
$$;

CREATE FUNCTION governance_no_open_blocker(kind text, id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT 'no_open_blocker', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'Nothing blocks it.'
            ELSE 'Open: ' || string_agg(replace(classification, '_', ' '), ', ') || '.' END
    FROM blockers WHERE entity_type = kind AND entity_id = id AND resolved_at IS NULL
$$;

CREATE FUNCTION governance_no_unresolved_violation(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT 'no_unresolved_violation', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'No rule is broken.'
            ELSE 'Unresolved: ' || string_agg(violation_type, ', ') || '.' END
    FROM governance_violations WHERE task_id = id AND resolved_at IS NULL
$$;

-- Approve a program.
CREATE FUNCTION governance_gate_approve_program(id uuid)
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

-- Start a wave.
CREATE FUNCTION governance_gate_start_wave(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
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
        JOIN waves AS earlier ON earlier.wave_id = dependency.id::uuid
        WHERE wave.wave_id = governance_gate_start_wave.id AND earlier.state <> 'completed'
        ORDER BY earlier.sequence_number
    ) AS waiting
    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id)
$$;

-- What every step forward of a task asks of its wave and program: nothing moves under a blocked
-- parent, or in a wave that has not begun.
CREATE FUNCTION governance_parents_in_progress(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT parent.rule, parent.state = 'in-progress', parent.detail
    FROM tasks JOIN waves USING (wave_id) JOIN programs USING (program_id)
    CROSS JOIN LATERAL (VALUES
        ('wave_in_progress', waves.state, format('The wave is %s.', waves.state)),
        ('program_in_progress', programs.state, format('The program is %s.', programs.state))
    ) AS parent (rule, state, detail)
    WHERE task_id = id
$$;

CREATE FUNCTION governance_architecture_ready(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
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
$$;

-- The latest run of the task's own suite; all NULL where there is none.
CREATE FUNCTION governance_latest_run(id uuid) RETURNS qa_executions LANGUAGE sql STABLE AS $$
    SELECT run.* FROM qa_executions AS run JOIN tasks USING (task_id)
    WHERE run.task_id = id AND run.qa_suite_location = tasks.qa_suite_location
        AND tasks.qa_suite_location <> ''
    ORDER BY run.executed_at DESC, run.execution_id DESC LIMIT 1
$$;

CREATE FUNCTION governance_suite_red(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
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
$$;

-- Assign a task to a builder. Without a builder: whether it could be given to one at all.
CREATE FUNCTION governance_gate_assign_task(id uuid, builder text)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
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
$$;

-- Begin work on a task: a builder's first active heartbeat, or the foreman on work of his own.
-- The foreman's own work need not have an architecture or a suite; what it names is asked for.
CREATE FUNCTION governance_gate_start_task(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT * FROM governance_parents_in_progress(id)
    UNION ALL
    SELECT ready.* FROM tasks, governance_architecture_ready(id) AS ready
    WHERE task_id = id AND assigned_builder IS NULL AND architecture_reference <> ''
    UNION ALL
    SELECT red.* FROM tasks, governance_suite_red(id) AS red
    WHERE task_id = id AND assigned_builder IS NULL AND qa_suite_location <> ''
    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
$$;

-- Complete a task. A builder's "done" is a claim, never a proof.
CREATE FUNCTION governance_gate_complete_task(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
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
    SELECT 'evidence_given', coalesce(evidence_location, '') <> '',
        coalesce(nullif(evidence_location, ''), 'No evidence location is given.')
    FROM tasks WHERE task_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
$$;

-- Complete a wave, a program: it happens by itself with the last of its parts.
CREATE FUNCTION governance_gate_complete_wave(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT 'program_in_progress', programs.state = 'in-progress',
        format('The program is %s.', programs.state)
    FROM waves JOIN programs USING (program_id) WHERE wave_id = id
    UNION ALL
    SELECT 'tasks_completed', count(*) > 0 AND bool_and(state = 'completed'),
        format('%s of %s tasks are completed.',
            count(*) FILTER (WHERE state = 'completed'), count(*))
    FROM tasks WHERE wave_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id)
$$;

CREATE FUNCTION governance_gate_complete_program(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT 'waves_completed', count(*) > 0 AND bool_and(state = 'completed'),
        format('%s of %s waves are completed.',
            count(*) FILTER (WHERE state = 'completed'), count(*))
    FROM waves WHERE program_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('program', id)
$$;

-- Leave the blocked state: back to where it was, once nothing blocks it any more. Blocking is not
-- a way round the gates, so it leads nowhere else.
CREATE FUNCTION governance_gate_unblock(kind text, id uuid, target text)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
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
$$;

-- The gate on a move, whichever it is; no row where the move has none. `builder` is whom a task
-- would be assigned to.
CREATE FUNCTION governance_gate(kind text, id uuid, source text, target text, builder text)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE plpgsql STABLE AS $$
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
END $$;


-- The refusing side. It runs after the row has changed, so that a move which the lifecycle does
-- not know is refused as that. Whatever the conditions read is locked first, always in the order
-- task, builder, wave, program: of two transactions the later one sees what the earlier did. (The
-- lock is that of an UPDATE, not a shared one: most of those who take it go on to update the row.)
CREATE FUNCTION governance_refuse(kind text, id uuid, source text, target text, builder text)
RETURNS void LANGUAGE plpgsql AS $$
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
END $$;

CREATE FUNCTION governance_tasks_gate() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;

CREATE TRIGGER governance_tasks_gate AFTER UPDATE ON tasks
    FOR EACH ROW EXECUTE FUNCTION governance_tasks_gate();

CREATE FUNCTION governance_waves_gate() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;

CREATE TRIGGER governance_waves_gate AFTER UPDATE ON waves
    FOR EACH ROW EXECUTE FUNCTION governance_waves_gate();

CREATE FUNCTION governance_programs_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND NEW.state IN ('in-progress', 'completed')
        AND NOT programs_is_forced()
    THEN
        PERFORM governance_refuse('program', NEW.program_id, OLD.state, NEW.state, NULL);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER governance_programs_gate AFTER UPDATE ON programs
    FOR EACH ROW EXECUTE FUNCTION governance_programs_gate();

-- The other side of completing: nothing is added to what is completed. All that are touched are
-- locked in the order of their keys, as for the progress, so that moves both ways do not deadlock.
CREATE FUNCTION governance_waves_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_behind uuid[];
    entered uuid[];
    closed text;
BEGIN
    IF programs_is_forced() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT wave_id) INTO entered FROM new_rows;
    ELSE
        SELECT array_agg(o.wave_id), array_agg(n.wave_id) INTO left_behind, entered
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
    RETURN NULL;
END $$;

CREATE TRIGGER governance_waves_open AFTER INSERT ON tasks
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_waves_open();
CREATE TRIGGER governance_waves_open_to_moved AFTER UPDATE ON tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_waves_open();

CREATE FUNCTION governance_programs_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_behind uuid[];
    entered uuid[];
    closed text;
BEGIN
    IF programs_is_forced() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT program_id) INTO entered FROM new_rows;
    ELSE
        SELECT array_agg(o.program_id), array_agg(n.program_id) INTO left_behind, entered
        FROM old_rows AS o JOIN new_rows AS n USING (wave_id)
        WHERE n.program_id <> o.program_id;
    END IF;
    IF entered IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM programs WHERE program_id = ANY (left_behind || entered)
    ORDER BY program_id FOR NO KEY UPDATE;
    SELECT name INTO closed FROM programs
    WHERE program_id = ANY (entered) AND state = 'completed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Program "%" is completed: nothing is added to it.', closed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_programs_open',
                TABLE = 'waves', COLUMN = 'program_id';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER governance_programs_open AFTER INSERT ON waves
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_programs_open();
CREATE TRIGGER governance_programs_open_to_moved AFTER UPDATE ON waves
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_programs_open();


-- Consequences, each in the transaction of its cause. They run after the evidence of the cause
-- (triggers of one event run in the order of their names), and never for recorded history.

-- Complete what has nothing left to do.
CREATE FUNCTION governance_complete_what_is_done(program uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE waves SET state = 'completed'
    WHERE program_id = program AND state = 'in-progress'
        AND (SELECT bool_and(met) FROM governance_gate_complete_wave(wave_id));
    UPDATE programs SET state = 'completed'
    WHERE program_id = program AND state = 'in-progress'
        AND (SELECT bool_and(met) FROM governance_gate_complete_program(program_id));
END $$;

CREATE FUNCTION governance_follow_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;

CREATE TRIGGER governance_follow_tasks AFTER UPDATE ON tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_tasks();

-- A wave or a program that returns from being blocked may have nothing left to do; and with its
-- last wave a program is done.
CREATE FUNCTION governance_follow_waves() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;

CREATE TRIGGER governance_follow_waves AFTER UPDATE ON waves
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_waves();

CREATE FUNCTION governance_follow_programs() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;

CREATE TRIGGER governance_follow_programs AFTER UPDATE ON programs
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_programs();

-- What a builder holds is nobody else's, and not finished. Deferred: assigning is two rows.
CREATE FUNCTION governance_builders_hold_their_task() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE CONSTRAINT TRIGGER governance_builders_hold_their_task
    AFTER INSERT OR UPDATE ON builders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_builders_hold_their_task();
CREATE CONSTRAINT TRIGGER governance_builders_hold_their_task
    AFTER UPDATE ON tasks DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_builders_hold_their_task();


-- The time of a task's last work is measured, like the progress it stands for: no evidence.
DROP TRIGGER governance_evidence_updated ON tasks;
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        governance_evidence('task', 'task_id', '{updated_at,worked_at}', '{progress_percentage}');
