-- What is sealed stays: its place, the tree over it, what was signed, and by which key.
CREATE OR REPLACE FUNCTION governance_sealed_record() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'The sealed record is only added to, never changed or removed.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_sealed_record',
            TABLE = TG_TABLE_NAME;
END $$;

CREATE OR REPLACE TRIGGER governance_sealed_record
    BEFORE UPDATE OR DELETE OR TRUNCATE ON sealed_records
    FOR EACH STATEMENT EXECUTE FUNCTION governance_sealed_record();

CREATE OR REPLACE TRIGGER governance_sealed_record
    BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_tree_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION governance_sealed_record();

CREATE OR REPLACE TRIGGER governance_sealed_record
    BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION governance_sealed_record();

CREATE OR REPLACE TRIGGER governance_sealed_record
    BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_keys
    FOR EACH STATEMENT EXECUTE FUNCTION governance_sealed_record();
