-- The text of a row of evidence as it is sealed, exported and hashed: JSON, the same to the byte
-- whatever zone, style or encoding the session has. A column that is added to the table later must
-- stay out while it is NULL, so that the text of what was sealed before does not change.
CREATE OR REPLACE FUNCTION governance_evidence_leaf(evidence evidence_trail) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'kind', 'evidence',
        'sequence', evidence.sequence,
        'timestamp', governance_leaf_time(evidence.timestamp),
        'evidence_id', evidence.evidence_id::text,
        'entity_type', evidence.entity_type,
        'entity_id', evidence.entity_id::text,
        'action', evidence.action,
        'actor', evidence.actor,
        'backend', evidence.backend,
        'model', evidence.model,
        'context', evidence.context,
        'witnessed', evidence.witnessed
    )::text;
END;
