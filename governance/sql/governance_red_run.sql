-- The run that showed the suite red before work began: the last to arrive before the task was
-- assigned (or, without a builder, begun). Without such a moment, the first run.
CREATE OR REPLACE FUNCTION governance_red_run(id uuid) RETURNS qa_executions
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT run
    FROM tasks
    JOIN qa_executions AS run ON run.task_id = tasks.task_id
        AND run.qa_suite_location = tasks.qa_suite_location AND tasks.qa_suite_location <> ''
    CROSS JOIN (SELECT governance_work_began(id) AS at OFFSET 0) AS begun
    WHERE tasks.task_id = id
    ORDER BY
        run.arrived_at < begun.at DESC NULLS LAST,
        CASE WHEN run.arrived_at < begun.at THEN run.arrived_at END DESC,
        CASE WHEN run.arrived_at < begun.at THEN run.recorded END DESC,
        run.arrived_at,
        run.recorded
    LIMIT 1;
END;
