-- The tests of a run leave evidence about its task, with a digest of all of them as they are now. What
-- is written in the transaction that records the run belongs to the recording; what is there before
-- the run is in the evidence of the run itself (governance_evidence). What is removed because it is old
-- (governance_thin_runs) was edited by nobody.
CREATE OR REPLACE FUNCTION governance_follow_test_results() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO evidence_trail
        (organisation_id, entity_type, entity_id, action, actor, backend, model, witnessed, context)
    SELECT run.organisation_id, 'task', run.task_id,
        CASE WHEN TG_OP = 'INSERT' AND EXISTS (
            SELECT FROM evidence_trail
            WHERE entity_type = 'task' AND entity_id = run.task_id AND timestamp = now()
                AND action = 'qa_run_recorded'
                AND context -> 'snapshot' ->> 'execution_id' = run.execution_id::text
        ) THEN 'qa_run_tests_recorded'
        WHEN TG_OP = 'DELETE' AND EXISTS (
            SELECT FROM qa_thinned_runs AS thinned
            WHERE thinned.execution_id = run.execution_id AND thinned.thinned_at = now()
        ) THEN 'qa_run_tests_thinned' ELSE 'qa_run_tests_edited' END,
        who.actor, who.backend, who.model, true,
        who.context || jsonb_build_object(
            'snapshot', jsonb_build_object('execution_id', run.execution_id),
            'operation', lower(TG_OP),
            'tests', changed.tests,
            'results', governance_run_results(run.execution_id))
    FROM (
        SELECT execution_id, count(*) AS tests FROM changed_rows GROUP BY execution_id
    ) AS changed
    JOIN qa_executions AS run USING (execution_id)
    CROSS JOIN governance_actor() AS who;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_follow_test_results_inserted AFTER INSERT ON qa_test_results
    REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

CREATE OR REPLACE TRIGGER governance_follow_test_results_updated AFTER UPDATE ON qa_test_results
    REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

CREATE OR REPLACE TRIGGER governance_follow_test_results_deleted AFTER DELETE ON qa_test_results
    REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

CREATE OR REPLACE TRIGGER governance_follow_paired_tests_inserted AFTER INSERT ON qa_paired_tests
    REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

CREATE OR REPLACE TRIGGER governance_follow_paired_tests_updated AFTER UPDATE ON qa_paired_tests
    REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();

CREATE OR REPLACE TRIGGER governance_follow_paired_tests_deleted AFTER DELETE ON qa_paired_tests
    REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_test_results();
