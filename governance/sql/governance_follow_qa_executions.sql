-- Raise a blocker after three consecutive runs of a task's suite that are not green and pass no
-- more tests than the previous run. Counted while the task is in progress; counting restarts after
-- the blocker is resolved.
CREATE OR REPLACE FUNCTION governance_follow_qa_executions() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
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
        'Three consecutive runs of %s made no progress: %s tests pass.',
        qa_suite_location, array_to_string(passed, ', then ')))
    FROM (
        SELECT tasks.task_id, tasks.qa_suite_location,
            array_agg(last.passing_tests ORDER BY last.arrived_at, last.recorded) AS passed,
            bool_and(last.qa_status <> 'GREEN') AS never_green
        FROM (SELECT DISTINCT task_id FROM new_rows) AS reported
        JOIN tasks USING (task_id)
        CROSS JOIN LATERAL (
            SELECT run.* FROM qa_executions AS run
            WHERE run.task_id = tasks.task_id
                AND run.qa_suite_location = tasks.qa_suite_location
                AND run.arrived_at > coalesce((
                    SELECT max(resolved_at) FROM blockers
                    WHERE entity_type = 'task' AND entity_id = tasks.task_id
                        AND classification = 'repeated_failures'
                ), '-infinity')
            ORDER BY run.arrived_at DESC, run.recorded DESC LIMIT 3
        ) AS last
        WHERE tasks.state = 'in-progress'
        GROUP BY tasks.task_id, tasks.qa_suite_location
    ) AS streak
    WHERE cardinality(passed) = 3 AND never_green
        AND passed[2] <= passed[1] AND passed[3] <= passed[2];
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_follow_qa_executions AFTER INSERT ON qa_executions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_qa_executions();
