-- The text of a row of the office log as it is sealed, exported and hashed: as that of evidence
-- (governance_evidence_leaf).
CREATE OR REPLACE FUNCTION governance_office_log_leaf(entry office_log) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'kind', 'office',
        'sequence', entry.sequence,
        'timestamp', governance_leaf_time(entry.timestamp),
        'action', entry.action,
        'actor', entry.actor,
        'username', entry.username,
        'subject_kind', entry.subject_kind,
        'subject_name', entry.subject_name,
        'context', entry.context,
        'witnessed', entry.witnessed
    )::text;
END;
