-- The progress clock: the last change that counts on the task in hand, or when it was given.
-- Progress is also a run of the task's own suite in which more tests pass than ever before; that
-- table is made later, by governance.
CREATE OR REPLACE FUNCTION builders_progressed_at(builder text) RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path FROM CURRENT AS $$
    SELECT greatest(assigned_at, coalesce(work_received_at, worked_at), (
        SELECT max(arrived_at) FROM (
            SELECT arrived_at, passing_tests, max(passing_tests) OVER (
                ORDER BY arrived_at, recorded ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW
            ) AS best_before
            FROM qa_executions AS run
            WHERE run.task_id = tasks.task_id AND run.qa_suite_location = tasks.qa_suite_location
        ) AS run
        WHERE passing_tests > best_before
    ))
    FROM builders JOIN tasks ON task_id = current_task_id WHERE builder_id = builder
$$;
