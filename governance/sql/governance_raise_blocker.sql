-- Raise a blocker, or count the same one if it is open, or reopen it if it is resolved. Returns its
-- id.
CREATE OR REPLACE FUNCTION governance_raise_blocker(
    kind text, id uuid, trouble text, what_happened text
) RETURNS uuid LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    known uuid;
BEGIN
    SELECT blocker_id INTO known FROM blockers
    WHERE entity_type = kind AND entity_id = id AND classification = trouble
    ORDER BY resolved_at DESC NULLS FIRST, detected_at DESC LIMIT 1
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO blockers (entity_type, entity_id, classification, description)
        VALUES (kind, id, trouble, what_happened)
        ON CONFLICT (entity_type, entity_id, classification) WHERE resolved_at IS NULL
        DO UPDATE SET occurrences = blockers.occurrences + 1, description = excluded.description
        RETURNING blocker_id INTO known;
    ELSE
        UPDATE blockers
        SET occurrences = occurrences + 1,
            description = what_happened,
            detected_at = CASE WHEN resolved_at IS NULL THEN detected_at ELSE now() END,
            resolved_at = NULL,
            resolution_action = NULL
        WHERE blocker_id = known;
    END IF;
    RETURN known;
END $$;
