-- Find again in which runs these suites turned: of the runs of each, in the order in which they
-- arrived, those that are green after one that is not, or the other way round.
CREATE OR REPLACE FUNCTION governance_find_suite_turns(task_ids uuid[], suites text[]) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    DELETE FROM qa_suite_turns USING unnest(task_ids, suites) AS of (task_id, suite)
    WHERE qa_suite_turns.task_id = of.task_id AND qa_suite_location = of.suite;

    INSERT INTO qa_suite_turns (
        execution_id, task_id, qa_suite_location, is_green, turned_at, since, arrived_at, recorded,
        organisation_id
    )
    SELECT execution_id, task_id, qa_suite_location, is_green, executed_at, since,
        arrived_at, recorded, organisation_id
    FROM (
        -- Stretches of runs that are alike, each by its first run.
        SELECT runs.*, lag(executed_at) OVER (
            PARTITION BY task_id, qa_suite_location ORDER BY arrived_at, recorded) AS since
        FROM (
            SELECT run.execution_id, run.task_id, run.qa_suite_location, run.executed_at,
                run.arrived_at, run.recorded, run.organisation_id, run.qa_status = 'GREEN' AS is_green,
                lag(run.qa_status = 'GREEN') OVER (
                    PARTITION BY run.task_id, run.qa_suite_location
                    ORDER BY run.arrived_at, run.recorded) AS was_green
            FROM (SELECT DISTINCT task_id, suite FROM unnest(task_ids, suites) AS of (task_id, suite))
                AS of
            JOIN qa_executions AS run
                ON run.task_id = of.task_id AND run.qa_suite_location = of.suite
        ) AS runs
        WHERE is_green IS DISTINCT FROM was_green
    ) AS stretches
    WHERE since IS NOT NULL;
END;
