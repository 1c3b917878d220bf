-- A condition of most gates: no blocker is open on this program, wave or task itself.
CREATE OR REPLACE FUNCTION governance_no_open_blocker(kind text, id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'no_open_blocker', count(*) = 0,
        CASE count(*) WHEN 0 THEN 'No blocker is open.'
            ELSE 'Open: ' || string_agg(replace(classification, '_', ' '), ', ') || '.' END
    FROM blockers WHERE entity_type = kind AND entity_id = id AND resolved_at IS NULL;
END;
