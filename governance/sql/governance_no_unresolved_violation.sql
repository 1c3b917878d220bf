-- A condition of a task's gates: no violation on it is unresolved.
CREATE OR REPLACE FUNCTION governance_no_unresolved_violation(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'no_unresolved_violation', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'No violation is unresolved.'
            ELSE 'Unresolved: ' || string_agg(violation_type, ', ') || '.' END
    FROM governance_violations WHERE task_id = id AND resolved_at IS NULL;
END;
