-- Proof is added. What was recorded is corrected or removed only for a reason, which evidence keeps.
-- To resolve a violation is no correction of it. A blocker may change, but not go without a word: what
-- it blocked would go on.
CREATE OR REPLACE FUNCTION governance_proof_reason() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF programs_reason() IS NULL THEN
        RAISE EXCEPTION 'Enter a reason to % what was recorded.',
            CASE TG_OP WHEN 'DELETE' THEN 'remove' ELSE 'correct' END
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_proof_reason',
                TABLE = TG_TABLE_NAME;
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE OR REPLACE TRIGGER governance_proof_reason_corrected BEFORE UPDATE ON qa_executions
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_removed BEFORE DELETE ON qa_executions
    FOR EACH ROW EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_corrected BEFORE UPDATE ON qa_test_results
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_removed BEFORE DELETE ON qa_test_results
    FOR EACH ROW EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_corrected BEFORE UPDATE ON qa_paired_tests
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_removed BEFORE DELETE ON qa_paired_tests
    FOR EACH ROW EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_corrected BEFORE UPDATE ON architecture_validations
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_removed BEFORE DELETE ON architecture_validations
    FOR EACH ROW EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_corrected BEFORE UPDATE ON completion_claims
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_removed BEFORE DELETE ON completion_claims
    FOR EACH ROW EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_corrected BEFORE UPDATE ON governance_violations
    FOR EACH ROW WHEN (
        OLD.resolved_at IS NOT NULL AND (OLD.resolved_at, OLD.resolution)
            IS DISTINCT FROM (NEW.resolved_at, NEW.resolution)
        OR (OLD.task_id, OLD.builder_id, OLD.violation_type, OLD.description, OLD.detected_at)
            IS DISTINCT FROM
            (NEW.task_id, NEW.builder_id, NEW.violation_type, NEW.description, NEW.detected_at)
    ) EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_removed BEFORE DELETE ON governance_violations
    FOR EACH ROW EXECUTE FUNCTION governance_proof_reason();

CREATE OR REPLACE TRIGGER governance_proof_reason_removed BEFORE DELETE ON blockers
    FOR EACH ROW EXECUTE FUNCTION governance_proof_reason();
