-- The tests of a run, by name, where its report names them. They go with their run.
ALTER TABLE qa_test_results ADD CONSTRAINT qa_test_results_execution_id_fkey
    FOREIGN KEY (execution_id) REFERENCES qa_executions (execution_id) ON DELETE CASCADE;


-- The run that showed the suite red before work began: the last one before the task was assigned
-- (or, without a builder, begun), as the trail tells. Without such a moment, the first run.
CREATE FUNCTION governance_red_run(id uuid) RETURNS qa_executions LANGUAGE sql STABLE AS $$
    SELECT run.*
    FROM tasks
    JOIN qa_executions AS run ON run.task_id = tasks.task_id
        AND run.qa_suite_location = tasks.qa_suite_location AND tasks.qa_suite_location <> ''
    LEFT JOIN LATERAL (
        SELECT timestamp AS at FROM evidence_trail
        WHERE entity_type = 'task' AND entity_id = tasks.task_id AND witnessed
            AND context ->> 'from' = 'planned' AND context ->> 'to' IN ('assigned', 'in-progress')
        ORDER BY sequence DESC LIMIT 1
    ) AS begun ON true
    WHERE tasks.task_id = id
    ORDER BY
        run.executed_at <= begun.at DESC NULLS LAST,
        CASE WHEN run.executed_at <= begun.at THEN run.executed_at END DESC,
        run.executed_at,
        run.execution_id
    LIMIT 1
$$;

-- What was moved between two runs so that the second looks better: a test of the first that is gone
-- from the second or skipped there. (Renamed is gone under the old name; a second run that names no
-- tests shows none of them.) Where the first named no tests, the totals are compared.
CREATE FUNCTION governance_moved_goalposts(before uuid, after uuid)
RETURNS TABLE (name text, what text) LANGUAGE sql STABLE AS $$
    SELECT b.name, CASE WHEN a.name IS NULL THEN 'vanished' ELSE 'skipped' END
    FROM qa_test_results AS b
    LEFT JOIN qa_test_results AS a ON a.execution_id = after AND a.name = b.name
    WHERE b.execution_id = before AND b.outcome <> 'skipped'
        AND (a.name IS NULL OR a.outcome = 'skipped')
    UNION ALL
    SELECT format('%s of %s tests', b.total_tests - a.total_tests, b.total_tests), 'vanished'
    FROM qa_executions AS b, qa_executions AS a
    WHERE b.execution_id = before AND a.execution_id = after
        AND a.total_tests < b.total_tests
        AND NOT EXISTS (SELECT FROM qa_test_results WHERE execution_id = before)
    ORDER BY 2, 1
$$;

CREATE FUNCTION governance_goalposts_stand(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
    SELECT 'goalposts_stand', count(moved.name) = 0,
        CASE
            WHEN red.execution_id IS NULL THEN 'There is no run to compare with.'
            WHEN count(moved.name) = 0 THEN 'Every test that was there before work began still is.'
            ELSE concat_ws(' ',
                'Vanished: ' || governance_names(
                    array_agg(moved.name) FILTER (WHERE moved.what = 'vanished')) || '.',
                'Skipped: ' || governance_names(
                    array_agg(moved.name) FILTER (WHERE moved.what = 'skipped')) || '.')
        END
    FROM governance_red_run(id) AS red
    CROSS JOIN governance_latest_run(id) AS latest
    LEFT JOIN LATERAL governance_moved_goalposts(red.execution_id, latest.execution_id) AS moved
        ON true
    GROUP BY red.execution_id
$$;

-- Completing asks for it too: red became green with the goalposts where they were.
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
    SELECT stand.* FROM tasks, governance_goalposts_stand(id) AS stand
    WHERE task_id = id AND qa_suite_location <> ''
    UNION ALL
    SELECT 'evidence_given', coalesce(evidence_location, '') <> '',
        coalesce(nullif(evidence_location, ''), 'No evidence location is given.')
    FROM tasks WHERE task_id = id
    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
$$;
