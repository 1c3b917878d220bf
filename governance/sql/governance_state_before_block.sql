-- The state that an entity had before it was blocked, read from the evidence; planned where that
-- does not say (an imported entity may have arrived blocked).
CREATE OR REPLACE FUNCTION governance_state_before_block(kind text, id uuid) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((
        SELECT context ->> 'from' FROM evidence_trail
        WHERE entity_type = kind AND entity_id = id
            AND witnessed AND context ->> 'to' = 'blocked'
        ORDER BY sequence DESC LIMIT 1
    ), 'planned');
END;
