-- A condition: the latest run of the task's own suite has failing tests, or something speaks
-- against it, and no test is skipped. If the suite is green already, nothing is left to build.
CREATE OR REPLACE FUNCTION governance_suite_red(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'suite_red',
        coalesce((run.failing_tests > 0 OR run.against <> '[]') AND run.skipped_tests = 0, false),
        CASE
            WHEN tasks.qa_suite_location = '' THEN 'The task has no QA suite.'
            WHEN run.execution_id IS NULL
                THEN format('%s has not been run.', tasks.qa_suite_location)
            WHEN run.skipped_tests > 0
                THEN format('%s of %s tests are skipped.', run.skipped_tests, run.total_tests)
            WHEN run.failing_tests = 0 AND run.against <> '[]'
                THEN governance_sentences(run.against)
            WHEN run.failing_tests = 0
                THEN format('All %s tests pass: nothing is left to build.', run.total_tests)
            ELSE format('%s of %s tests fail.', run.failing_tests, run.total_tests)
        END
    FROM tasks CROSS JOIN governance_latest_run(id) AS run
    WHERE tasks.task_id = id;
END;
