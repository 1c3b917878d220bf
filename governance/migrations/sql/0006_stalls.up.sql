-- Pauses leave evidence, about their builder: pause_started, pause_ended.
CREATE OR REPLACE FUNCTION governance_action(noun text, operation text, changes jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
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
$$;

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON builder_pauses
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('pause', 'pause_id', '{}', '{}');
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON builder_pauses
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('pause', 'pause_id', '{}', '{}');
CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON builder_pauses
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('pause', 'pause_id', '{}', '{}');
CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF pause_id ON builder_pauses
    FOR EACH ROW WHEN (NEW.pause_id <> OLD.pause_id) EXECUTE FUNCTION governance_key_is_final();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON builder_pauses
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();


-- Progress is also a run of the task's own suite in which more tests pass than ever before.
CREATE OR REPLACE FUNCTION builders_progressed_at(builder text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
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
$$;


-- Declare the stall of every builder that has a task in hand and fell silent: the builder failed,
-- its task blocked, one blocker. Any number of callers at once declare it once.
--
-- What somebody else holds is being moved, and a beat under way holds its builder: both are left
-- alone until the next sweep, so nothing here waits. Under the locks the verdict is asked again, by
-- a statement that sees what was committed before them.
--
-- A stall that a person resolved, with the builder still silent, comes back after the threshold.
CREATE FUNCTION governance_declare_stalls(threshold interval)
RETURNS TABLE (stalled_builder text, stalled_task uuid, silent_for interval)
LANGUAGE plpgsql AS $$
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
END $$;

-- A stall is over when its builder is heard again, and when the task leaves its hands. A blocker
-- that somebody is resolving at this moment is left to them: they may wait for our task.
CREATE OR REPLACE FUNCTION governance_follow_builders() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ending text;
    stall uuid;
BEGIN
    IF OLD.current_task_id IS NULL OR programs_is_history() THEN
        RETURN NULL;
    END IF;
    IF NEW.current_task_id IS DISTINCT FROM OLD.current_task_id THEN
        ending := format('%s has put the task down.', NEW.builder_id);
    ELSIF NEW.last_heartbeat > OLD.last_heartbeat AND NEW.state <> 'failed' THEN
        ending := format('%s was heard again after %s.', NEW.builder_id,
            date_trunc('second', now() - builders_quiet_since(OLD, now())));
    ELSE
        RETURN NULL;
    END IF;
    SELECT blocker_id INTO stall FROM blockers
    WHERE entity_type = 'task' AND entity_id = OLD.current_task_id
        AND classification = 'builder_stall' AND resolved_at IS NULL
    FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE blockers SET resolved_at = now(), resolution_action = ending
        WHERE blocker_id = stall;
    END IF;
    RETURN NULL;
END $$;
