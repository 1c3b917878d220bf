-- Declare a stall for every silent builder with a task: the builder becomes failed, its task
-- blocked, and one blocker is raised. Concurrent callers declare each stall once.
--
-- Rows that another transaction has locked are skipped until the next sweep, so that the sweep
-- never waits: a task is being moved, or a heartbeat is being stored. Under the locks the verdict
-- is asked again, by a statement that sees what was committed before them.
--
-- A stall that a person resolved while the builder stays silent is declared again after the
-- threshold, and says since when the builder has not reported, which is before that.
CREATE OR REPLACE FUNCTION governance_declare_stalls(threshold interval)
RETURNS TABLE (stalled_builder text, stalled_task uuid, silent_for interval)
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    quiet_since timestamptz;
    due timestamptz;
BEGIN
    PERFORM governance_note_absence();
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

        SELECT builders_quiet_since(builders, now()),
            greatest(builders_quiet_since(builders, now()), stall.resolved_at)
                + builders_threshold(builders, threshold)
        INTO quiet_since, due
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
        CONTINUE WHEN NOT FOUND OR due >= now();

        UPDATE builders SET state = 'failed'
        WHERE builder_id = stalled_builder AND state <> 'failed';
        PERFORM governance_raise_blocker('task', stalled_task, 'builder_stall', format(
            'This task is assigned to %s, which has not reported since %s UTC.', stalled_builder,
            to_char(quiet_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')));
        silent_for := now() - quiet_since;
        RETURN NEXT;
    END LOOP;
END $$;
