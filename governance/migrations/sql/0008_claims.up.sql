ALTER TABLE completion_claims ADD CONSTRAINT completion_claims_task_id_fkey
    FOREIGN KEY (task_id) REFERENCES tasks (task_id);
ALTER TABLE completion_claims ADD CONSTRAINT completion_claims_builder_id_fkey
    FOREIGN KEY (builder_id) REFERENCES builders (builder_id);

CREATE TRIGGER governance_evidence_inserted AFTER INSERT ON completion_claims
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('claim', 'claim_id', '{}', '{}');
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON completion_claims
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('claim', 'claim_id', '{}', '{}');
CREATE TRIGGER governance_evidence_deleted AFTER DELETE ON completion_claims
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence('claim', 'claim_id', '{}', '{}');
CREATE TRIGGER governance_key_is_final BEFORE UPDATE OF claim_id ON completion_claims
    FOR EACH ROW WHEN (NEW.claim_id <> OLD.claim_id) EXECUTE FUNCTION governance_key_is_final();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON completion_claims
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();
