-- Keep a run as the latest of its suite, if it is the last to arrive: pages show all suites without
-- searching all runs. Of runs that arrive at once, each waits for the other's row and is compared
-- with it.
CREATE OR REPLACE FUNCTION governance_keep_latest_run(run qa_executions) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO qa_latest_runs AS kept (
        execution_id, task_id, qa_suite_location, executed_at, qa_status,
        total_tests, passing_tests, failing_tests, skipped_tests, test_debt_count,
        arrived_at, recorded, organisation_id
    ) VALUES (
        run.execution_id, run.task_id, run.qa_suite_location, run.executed_at, run.qa_status,
        run.total_tests, run.passing_tests, run.failing_tests, run.skipped_tests,
        run.test_debt_count, run.arrived_at, run.recorded, run.organisation_id
    )
    ON CONFLICT (task_id, qa_suite_location) DO UPDATE SET
        execution_id = EXCLUDED.execution_id, executed_at = EXCLUDED.executed_at,
        qa_status = EXCLUDED.qa_status, total_tests = EXCLUDED.total_tests,
        passing_tests = EXCLUDED.passing_tests, failing_tests = EXCLUDED.failing_tests,
        skipped_tests = EXCLUDED.skipped_tests, test_debt_count = EXCLUDED.test_debt_count,
        arrived_at = EXCLUDED.arrived_at, recorded = EXCLUDED.recorded
    WHERE (kept.arrived_at, kept.recorded) < (EXCLUDED.arrived_at, EXCLUDED.recorded);
END;
