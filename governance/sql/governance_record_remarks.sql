-- Record what an imported file has beyond the columns, as evidence that was told and not witnessed.
-- The transaction has opened its import.
CREATE OR REPLACE FUNCTION governance_record_remarks(staged uuid, kinds text[], mark jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT programs_may_import() THEN
        RAISE EXCEPTION 'This transaction has not opened an import.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_record_remarks',
                TABLE = 'evidence_trail';
    END IF;
    INSERT INTO evidence_trail
        (organisation_id, evidence_id, entity_type, entity_id, action, actor, context)
    SELECT coalesce(governance_organisation_of(subject_type, subject_id), programs_office_itself()),
        remark_id, subject_type, subject_id, 'imported', 'foreman',
        mark || remarks || jsonb_build_object('record', jsonb_build_object(
            'kind', kind, 'id', coalesce(record_id::text, key),
            'key', coalesce(key, record_id::text)))
    FROM staged_records
    WHERE staged_import_id = staged AND remark_id IS NOT NULL
    ORDER BY array_position(kinds, kind), position;
END $$;
