-- Programs as the sample is one: a third of the waves done, a sixth under way, the rest planned.
-- Keys follow from numbers, so that what is asked for in one office is there in every larger one.
-- The temporary table `size` says how many: programs from first to last, waves, tasks of a wave.

-- They are put down as they stand, and did not come about by the moves that the gates watch.
SELECT set_config('foreman.override', 'An office to be measured.', true);

CREATE FUNCTION pg_temp.key(kind text, VARIADIC numbers integer[]) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$ SELECT md5(kind || numbers::text)::uuid $$;

INSERT INTO programs (program_id, name, description, objectives, state)
SELECT pg_temp.key('program', p), format('Program %s', p), 'Made to be measured.',
    '["Be measured"]', 'in-progress'
FROM size, generate_series(first, last) AS p;

INSERT INTO waves (wave_id, program_id, name, sequence_number, dependencies, state)
SELECT pg_temp.key('wave', p, w), pg_temp.key('program', p), format('Wave %s', w), w,
    CASE w WHEN 1 THEN '[]' ELSE jsonb_build_array(pg_temp.key('wave', p, w - 1)) END,
    CASE
        WHEN w * 3 <= size.waves THEN 'completed'
        WHEN w * 2 <= size.waves + 1 THEN 'in-progress'
        ELSE 'planned'
    END
FROM size, generate_series(first, last) AS p, generate_series(1, size.waves) AS w;

-- Five tasks of the first program are in the hands of the five builders.
INSERT INTO tasks (
    task_id, wave_id, name, architecture_reference, qa_suite_location, acceptance_criteria,
    assigned_builder, state, progress_percentage
)
SELECT pg_temp.key('task', p, w, t), wave_id, format('Task %s.%s.%s', p, w, t),
    format('docs/architecture/%s/%s.md', w, t), format('tests/%s/%s', w, t),
    E'It works.\nIt is tested.\nIt is documented.',
    (ARRAY['ui', 'api', 'schema', 'integration', 'qa'])[t % 5 + 1] || '-builder',
    CASE
        WHEN waves.state = 'completed' THEN 'completed'
        WHEN p = 1 AND w = size.waves / 3 + 1 AND t <= 5 THEN 'in-progress'
        ELSE 'planned'
    END,
    CASE waves.state WHEN 'completed' THEN 100 ELSE 0 END
FROM size
CROSS JOIN generate_series(first, last) AS p
CROSS JOIN generate_series(1, size.waves) AS w
CROSS JOIN generate_series(1, size.tasks) AS t
JOIN waves ON wave_id = pg_temp.key('wave', p, w);

UPDATE builders SET current_task_id = task_id, state = 'active'
FROM size, tasks
WHERE first = 1 AND assigned_builder = builder_id AND tasks.state = 'in-progress';

-- The history of what is done or under way: a validation, two runs, ten beats, here and there a
-- blocker that was resolved.
CREATE TEMPORARY TABLE worked AS
SELECT task_id, assigned_builder, tasks.name, architecture_reference, qa_suite_location, t
FROM size
CROSS JOIN generate_series(first, last) AS p
CROSS JOIN generate_series(1, size.waves) AS w
CROSS JOIN generate_series(1, size.tasks) AS t
JOIN tasks ON task_id = pg_temp.key('task', p, w, t)
WHERE w * 2 <= size.waves + 1;

INSERT INTO architecture_validations (
    task_id, architecture_reference, validation_results, pass_rate, build_readiness
)
SELECT task_id, architecture_reference, '{"shape": {"complete": true, "agreed": true}}', 100,
    'READY'
FROM worked;

INSERT INTO qa_executions (
    task_id, qa_suite_location, total_tests, passing_tests, failing_tests, skipped_tests,
    qa_status, executed_at
)
SELECT task_id, qa_suite_location, 20, passing, 20 - passing, 0,
    CASE passing WHEN 0 THEN 'RED' ELSE 'GREEN' END,
    now() - interval '1 day' + passing * interval '1 minute'
FROM worked, unnest(ARRAY[0, 20]) AS passing;

INSERT INTO heartbeats (builder_id, task_id, timestamp, status, message, progress_percentage)
SELECT assigned_builder, task_id, now() - interval '1 day' + n * interval '1 minute', 'active',
    format('%s, step %s', name, n), n * 10
FROM worked, generate_series(1, 10) AS n;

INSERT INTO blockers (
    entity_type, entity_id, classification, description, resolved_at, resolution_action
)
SELECT 'task', task_id, 'architecture_qa_mismatch', 'The suite asks for more than the plan.',
    now(), 'The plan was amended.'
FROM worked WHERE t = 1;

DROP FUNCTION pg_temp.key;
DROP TABLE worked;
