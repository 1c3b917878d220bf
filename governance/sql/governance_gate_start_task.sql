-- Start a task: by a builder's first active heartbeat, or a manual task by the foreman. A manual
-- task need not have an architecture reference or a suite; those that it has are checked.
CREATE OR REPLACE FUNCTION governance_gate_start_task(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM governance_parents_in_progress(id)
    UNION ALL
    SELECT ready.* FROM tasks, governance_architecture_ready(id) AS ready
    WHERE task_id = id AND assigned_builder IS NULL AND architecture_reference <> ''
    UNION ALL
    SELECT red.* FROM tasks, governance_suite_red(id) AS red
    WHERE task_id = id AND assigned_builder IS NULL AND qa_suite_location <> ''
    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
    UNION ALL SELECT * FROM governance_no_unresolved_violation(id);
END;
