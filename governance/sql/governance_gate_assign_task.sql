-- Assign a task to a builder, which is idle (builders_verdict) or has this task already. Without
-- a builder: whether it could be assigned to any. Of one that is at work for another organisation nothing
-- is seen, but that it is busy.
CREATE OR REPLACE FUNCTION governance_gate_assign_task(id uuid, builder text)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM governance_parents_in_progress(id)
    UNION ALL SELECT * FROM governance_architecture_ready(id)
    UNION ALL SELECT * FROM governance_suite_red(id)
    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
    UNION ALL SELECT * FROM governance_within_budget(id)
    UNION ALL
    SELECT 'builder_idle', verdict = 'idle' OR current_task_id IS NOT DISTINCT FROM id,
        CASE
            WHEN current_task_id = id THEN format('This task is assigned to %s.', builder_id)
            WHEN current_task_id IS NOT NULL THEN
                format('%s has another task: complete or unassign that task first.', builder_id)
            WHEN verdict = 'paused' THEN format('%s is paused: end the pause first.', builder_id)
            WHEN verdict = 'never-heard' THEN
                format('%s has never reported: it must send a heartbeat first.', builder_id)
            WHEN verdict = 'silent' THEN
                format('%s is silent: it must send a heartbeat first.', builder_id)
            ELSE format('%s is idle.', builder_id)
        END
    FROM builders
    CROSS JOIN LATERAL builders_verdict(builder_id, interval '0', now()) AS verdict
    WHERE builder_id = builder
    UNION ALL
    SELECT 'builder_idle', false, format('%s is busy.', builder)
    WHERE builder IS NOT NULL AND NOT EXISTS (SELECT FROM builders WHERE builder_id = builder);
END;
