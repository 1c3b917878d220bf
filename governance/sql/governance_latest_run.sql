-- The latest run of the task's own suite, which is the last to arrive; all NULL where there is
-- none.
CREATE OR REPLACE FUNCTION governance_latest_run(id uuid) RETURNS qa_executions
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT run FROM qa_executions AS run JOIN tasks USING (task_id)
    WHERE run.task_id = id AND run.qa_suite_location = tasks.qa_suite_location
        AND tasks.qa_suite_location <> ''
    ORDER BY run.arrived_at DESC, run.recorded DESC LIMIT 1;
END;
