-- Whether a task or wave is under way, or would be if it were unblocked.
CREATE OR REPLACE FUNCTION governance_is_under_way(kind text, id uuid, state text) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE state WHEN 'blocked' THEN governance_state_before_block(kind, id) ELSE state END
        IN ('assigned', 'in-progress');
END;
