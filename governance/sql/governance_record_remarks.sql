-- Record what an imported file has beyond the columns, as evidence that was told and not witnessed.
-- The transaction has opened its import. For an organisation, see governance_record_evidence.
CREATE OR REPLACE FUNCTION governance_record_remarks(staged uuid, kinds text[], mark jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    works_for CONSTANT uuid := nullif(current_setting('foreman.organisation', true), '')::uuid;
    strange staged_records;
BEGIN
    IF NOT programs_may_import() THEN
        RAISE EXCEPTION 'This transaction has not opened an import.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_record_remarks',
                TABLE = 'evidence_trail';
    END IF;
    SELECT * INTO strange FROM staged_records
    WHERE staged_import_id = staged AND remark_id IS NOT NULL AND subject_type <> 'builder'
        AND governance_organisation_of(subject_type, subject_id) IS DISTINCT FROM works_for
    LIMIT 1;
    IF works_for IS NOT NULL AND FOUND THEN
        RAISE EXCEPTION 'There is no % with the id %.', strange.subject_type, strange.subject_id
            USING ERRCODE = 'foreign_key_violation', TABLE = 'evidence_trail',
                CONSTRAINT = 'governance_record_remarks';
    END IF;
    INSERT INTO evidence_trail
        (organisation_id, evidence_id, entity_type, entity_id, action, actor, context)
    SELECT coalesce(
            CASE subject_type WHEN 'builder' THEN works_for END,
            governance_organisation_of(subject_type, subject_id), programs_office_itself()),
        remark_id, subject_type, subject_id, 'imported', 'foreman',
        mark || remarks || jsonb_build_object('record', jsonb_build_object(
            'kind', kind, 'id', coalesce(record_id::text, key),
            'key', coalesce(key, record_id::text)))
    FROM staged_records
    WHERE staged_import_id = staged AND remark_id IS NOT NULL
    ORDER BY array_position(kinds, kind), position;
END $$;
