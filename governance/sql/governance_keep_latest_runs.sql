-- A run that is corrected, moved or deleted may have been the latest: the latest run of its suite
-- is computed again, by a statement that sees what was committed before its locks.
CREATE OR REPLACE FUNCTION governance_keep_latest_runs() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM qa_latest_runs
        WHERE (task_id, qa_suite_location) IN (SELECT task_id, qa_suite_location FROM old_rows);
        PERFORM governance_keep_latest_run(run) FROM qa_executions AS run
        WHERE (task_id, qa_suite_location) IN (SELECT task_id, qa_suite_location FROM old_rows)
        ORDER BY task_id, qa_suite_location, arrived_at DESC, recorded DESC;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM governance_keep_latest_run(run)
        FROM qa_executions AS run JOIN new_rows AS new USING (execution_id)
        ORDER BY run.task_id, run.qa_suite_location, run.arrived_at DESC, run.recorded DESC;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_keep_latest_runs_inserted AFTER INSERT ON qa_executions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();

CREATE OR REPLACE TRIGGER governance_keep_latest_runs_updated AFTER UPDATE ON qa_executions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();

CREATE OR REPLACE TRIGGER governance_keep_latest_runs_deleted AFTER DELETE ON qa_executions
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();
