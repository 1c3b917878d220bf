-- Record the evidence of an imported file, which keeps its own time and was told, not witnessed. The
-- transaction has opened its import.
CREATE OR REPLACE FUNCTION governance_record_evidence(staged uuid)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT programs_may_import() THEN
        RAISE EXCEPTION 'This transaction has not opened an import.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_record_evidence',
                TABLE = 'evidence_trail';
    END IF;
    INSERT INTO evidence_trail (
        evidence_id, entity_type, entity_id, action, actor, backend, model, timestamp, context,
        organisation_id
    )
    SELECT record.record_id, new.entity_type, new.entity_id, new.action, new.actor, new.backend,
        new.model, new.timestamp, coalesce(new.context, '{}'),
        coalesce(governance_organisation_of(new.entity_type, new.entity_id), programs_office_itself())
    FROM staged_records AS record
    CROSS JOIN LATERAL jsonb_populate_record(NULL::evidence_trail, record.values) AS new
    WHERE record.staged_import_id = staged AND record.kind = 'evidence' AND record.added
    ORDER BY record.position;
END $$;
