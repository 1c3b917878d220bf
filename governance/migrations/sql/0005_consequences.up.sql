-- Blockers: how often the same trouble came back.
ALTER TABLE blockers ADD COLUMN occurrences integer NOT NULL DEFAULT 1;

-- Raise a blocker, or meet again one that is known: an open one is counted, a resolved one is
-- opened again. Returns its id.
CREATE FUNCTION governance_raise_blocker(
    kind text, id uuid, trouble text, what_happened text
) RETURNS uuid LANGUAGE plpgsql AS $$
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
END $$;

-- The other side of completing: nothing blocks what is completed. The entity is locked as an
-- UPDATE would lock it, so that raising and completing cannot pass each other.
CREATE FUNCTION governance_blockers_not_on_completed() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;

CREATE TRIGGER governance_blockers_not_on_completed
    BEFORE INSERT OR UPDATE OF resolved_at ON blockers
    FOR EACH ROW EXECUTE FUNCTION governance_blockers_not_on_completed();

-- A blocker blocks; with the last one gone, its entity returns to the state it had before. A task
-- that its builder has let go meanwhile is planned again.
CREATE FUNCTION governance_block(kind text, id uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE programs SET state = 'blocked'
    WHERE kind = 'program' AND program_id = id AND state IN ('planned', 'in-progress');
    UPDATE waves SET state = 'blocked'
    WHERE kind = 'wave' AND wave_id = id AND state IN ('planned', 'in-progress');
    UPDATE tasks SET state = 'blocked'
    WHERE kind = 'task' AND task_id = id AND state IN ('planned', 'assigned', 'in-progress');
END $$;

CREATE FUNCTION governance_unblock(kind text, id uuid) RETURNS void LANGUAGE plpgsql AS $$
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
END $$;

CREATE FUNCTION governance_follow_blockers() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;

CREATE TRIGGER governance_follow_blockers_inserted AFTER INSERT ON blockers
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();
CREATE TRIGGER governance_follow_blockers_updated AFTER UPDATE ON blockers
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();
CREATE TRIGGER governance_follow_blockers_deleted AFTER DELETE ON blockers
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();

-- A violation halts its task; with the last one resolved, that blocker is resolved too. On a
-- completed task there is nothing left to halt, even if it was completed a moment ago: the
-- violation itself is kept.
CREATE FUNCTION governance_follow_violations() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;

CREATE TRIGGER governance_follow_violations_inserted AFTER INSERT ON governance_violations
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_violations();
CREATE TRIGGER governance_follow_violations_updated AFTER UPDATE ON governance_violations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_violations();

-- Three runs in a row of a task's suite that are not green, and pass no more tests than the run
-- before: the builder does not get on. Counted while the task is worked on, and anew after the
-- blocker was resolved.
CREATE FUNCTION governance_follow_qa_executions() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;

CREATE TRIGGER governance_follow_qa_executions AFTER INSERT ON qa_executions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_qa_executions();

-- A builder that had fallen silent and is heard again takes up where it was: its stall is over.
CREATE FUNCTION governance_follow_builders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'failed' AND NEW.state <> 'failed' AND NEW.current_task_id IS NOT NULL THEN
        UPDATE blockers
        SET resolved_at = now(),
            resolution_action = format('%s was heard again after %s.', NEW.builder_id,
                date_trunc('second', NEW.last_heartbeat - OLD.last_heartbeat))
        WHERE entity_type = 'task' AND entity_id = NEW.current_task_id
            AND classification = 'builder_stall' AND resolved_at IS NULL;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER governance_follow_builders AFTER UPDATE ON builders
    FOR EACH ROW EXECUTE FUNCTION governance_follow_builders();

-- Evidence says of a forced act that it was forced, and why.
CREATE OR REPLACE FUNCTION governance_actor(
    OUT actor text, OUT backend text, OUT model text, OUT context jsonb
) LANGUAGE plpgsql STABLE AS $$
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
END $$;
