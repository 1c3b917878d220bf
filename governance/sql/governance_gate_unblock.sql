-- Leave the blocked state: to the previous state, once no blocker is open. To no other state,
-- because blocking must not bypass the other gates.
CREATE OR REPLACE FUNCTION governance_gate_unblock(kind text, id uuid, target text)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM governance_no_open_blocker(kind, id)
    UNION ALL
    SELECT 'returns_to_where_it_was', target = before,
        format('Its previous state is %s.', programs_state_name(before))
    FROM governance_state_before_block(kind, id) AS before
    UNION ALL
    SELECT 'still_in_hand', builder_id IS NOT NULL,
        CASE
            WHEN builder_id IS NULL THEN format('It is no longer assigned to %s.', assigned_builder)
            ELSE format('It is assigned to %s.', builder_id)
        END
    FROM tasks LEFT JOIN builders ON current_task_id = task_id
    WHERE kind = 'task' AND task_id = id AND assigned_builder IS NOT NULL;
END;
