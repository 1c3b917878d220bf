CREATE OR REPLACE FUNCTION governance_gate_complete_task(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT * FROM governance_parents_in_progress(id)
    UNION ALL
    SELECT proof.rule, proof.met, proof.detail
    FROM tasks, governance_latest_run(id) AS run
    CROSS JOIN LATERAL (VALUES
        ('suite_green', coalesce(run.qa_status = 'GREEN', false),
            CASE
                WHEN tasks.qa_suite_location = '' THEN 'The task names no suite.'
                WHEN run.execution_id IS NULL
                    THEN format('%s was never run.', tasks.qa_suite_location)
                ELSE format('%s of %s tests pass, %s are skipped.',
                    run.passing_tests, run.total_tests, run.skipped_tests)
            END),
        ('no_debt', coalesce(run.test_debt_count = 0, false),
            CASE
                WHEN run.execution_id IS NULL THEN 'No run says so.'
                ELSE format('Test debt: %s.', run.test_debt_count)
            END),
        ('run_newer_than_work',
            coalesce(run.executed_at > coalesce(tasks.worked_at, '-infinity'), false),
            CASE
                WHEN run.execution_id IS NULL THEN 'There is no run.'
                WHEN tasks.worked_at IS NULL THEN 'No work was reported since.'
                WHEN run.executed_at > tasks.worked_at
                    THEN 'The latest run came after the last reported work.'
                ELSE format('Work went on for %s after the latest run.',
                    date_trunc('second', tasks.worked_at - run.executed_at))
            END)
    ) AS proof (rule, met, detail)
    WHERE tasks.task_id = id
        AND (tasks.assigned_builder IS NOT NULL OR tasks.qa_suite_location <> '')
    UNION ALL
    SELECT 'evidence_given', coalesce(evidence_location, '') <> '',
        coalesce(nullif(evidence_location, ''), 'No evidence location is given.')
    FROM tasks WHERE task_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
$$;

DROP FUNCTION governance_goalposts_stand(uuid);
DROP FUNCTION governance_moved_goalposts(uuid, uuid);
DROP FUNCTION governance_red_run(uuid);

ALTER TABLE qa_test_results DROP CONSTRAINT qa_test_results_execution_id_fkey;
