-- Complete a task. A builder's "done" is a claim, never a proof: the latest run of its suite is
-- green and newer than the work, and no test of the red run was removed or skipped.
CREATE OR REPLACE FUNCTION governance_gate_complete_task(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM governance_parents_in_progress(id)
    UNION ALL
    SELECT proof.rule, proof.met, proof.detail
    FROM tasks CROSS JOIN governance_latest_run(id) AS run
    CROSS JOIN LATERAL (VALUES
        ('suite_green', coalesce(run.qa_status = 'GREEN', false),
            CASE
                WHEN tasks.qa_suite_location = '' THEN 'The task has no QA suite.'
                WHEN run.execution_id IS NULL
                    THEN format('%s has not been run.', tasks.qa_suite_location)
                ELSE concat_ws(' ', format('%s of %s tests pass, %s are skipped.',
                    run.passing_tests, run.total_tests, run.skipped_tests),
                    governance_sentences(run.against))
            END),
        ('no_debt', coalesce(run.test_debt_count = 0, false),
            CASE
                WHEN run.execution_id IS NULL THEN 'There is no run.'
                ELSE format('Test debt: %s.', run.test_debt_count)
            END)
    ) AS proof (rule, met, detail)
    WHERE tasks.task_id = id
        AND (tasks.assigned_builder IS NOT NULL OR tasks.qa_suite_location <> '')
    UNION ALL
    SELECT newer.* FROM tasks, governance_run_newer_than_work(id) AS newer
    WHERE task_id = id AND (assigned_builder IS NOT NULL OR qa_suite_location <> '')
    UNION ALL
    SELECT stand.* FROM tasks, governance_goalposts_stand(id) AS stand
    WHERE task_id = id AND qa_suite_location <> ''
    UNION ALL
    SELECT 'evidence_given', coalesce(evidence_location, '') <> '',
        coalesce(nullif(evidence_location, ''), 'The task has no evidence location.')
    FROM tasks WHERE task_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
    UNION ALL SELECT * FROM governance_no_unresolved_violation(id);
END;
