-- Whether all tests of a run are kept, however old it is: it is the first of its suite or one of
-- the latest two, or the last that had come in when work began (the red run), when the task was
-- completed, or when a builder claimed that it was done.
CREATE OR REPLACE FUNCTION governance_keeps_tests(run qa_executions) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT count(*) < 2
        OR NOT EXISTS (
            SELECT FROM qa_executions AS earlier
            WHERE earlier.task_id = (run).task_id
                AND earlier.qa_suite_location = (run).qa_suite_location
                AND (earlier.arrived_at, earlier.recorded) < ((run).arrived_at, (run).recorded)
        )
        OR EXISTS (
            SELECT FROM (
                SELECT governance_work_began((run).task_id) AS at
                UNION ALL
                SELECT completed_at FROM tasks WHERE task_id = (run).task_id
                UNION ALL
                SELECT claimed_at FROM completion_claims WHERE task_id = (run).task_id
            ) AS moments
            WHERE at >= (run).arrived_at AND at <= min(later.arrived_at)
        )
    FROM (
        SELECT next.arrived_at FROM qa_executions AS next
        WHERE next.task_id = (run).task_id AND next.qa_suite_location = (run).qa_suite_location
            AND (next.arrived_at, next.recorded) > ((run).arrived_at, (run).recorded)
        ORDER BY next.arrived_at, next.recorded LIMIT 2
    ) AS later;
END;
