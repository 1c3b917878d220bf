-- Record the evidence of an imported file, which keeps its own time and was told, not witnessed. The
-- transaction has opened its import. Who works for an organisation records what is about its own, and
-- is told the same of what belongs to another and of what does not exist.
CREATE OR REPLACE FUNCTION governance_record_evidence(staged uuid)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    works_for CONSTANT uuid := nullif(current_setting('foreman.organisation', true), '')::uuid;
    strange record;
BEGIN
    IF NOT programs_may_import() THEN
        RAISE EXCEPTION 'This transaction has not opened an import.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_record_evidence',
                TABLE = 'evidence_trail';
    END IF;
    SELECT new.entity_type AS kind, new.entity_id AS id INTO strange
    FROM staged_records AS record
    CROSS JOIN LATERAL jsonb_populate_record(NULL::evidence_trail, record.values) AS new
    WHERE record.staged_import_id = staged AND record.kind = 'evidence' AND record.added
        AND new.entity_type <> 'builder'
        AND governance_organisation_of(new.entity_type, new.entity_id) IS DISTINCT FROM works_for
    LIMIT 1;
    IF works_for IS NOT NULL AND FOUND THEN
        RAISE EXCEPTION 'There is no % with the id %.', strange.kind, strange.id
            USING ERRCODE = 'foreign_key_violation', TABLE = 'evidence_trail',
                CONSTRAINT = 'governance_record_evidence';
    END IF;
    INSERT INTO evidence_trail (
        evidence_id, entity_type, entity_id, action, actor, backend, model, timestamp, context,
        organisation_id
    )
    SELECT record.record_id, new.entity_type, new.entity_id, new.action, new.actor, new.backend,
        new.model, new.timestamp, coalesce(new.context, '{}'),
        coalesce(
            CASE new.entity_type WHEN 'builder' THEN works_for END,
            governance_organisation_of(new.entity_type, new.entity_id), programs_office_itself())
    FROM staged_records AS record
    CROSS JOIN LATERAL jsonb_populate_record(NULL::evidence_trail, record.values) AS new
    WHERE record.staged_import_id = staged AND record.kind = 'evidence' AND record.added
    ORDER BY record.position;
END $$;
