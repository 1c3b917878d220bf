-- The latest run of each suite, kept: a page tells how all suites are now.
ALTER TABLE qa_latest_runs ADD CONSTRAINT qa_latest_runs_execution_id_fkey
    FOREIGN KEY (execution_id) REFERENCES qa_executions (execution_id) ON DELETE CASCADE;

-- Of runs that come in at once, each waits for the other's row and is compared with what it left.
CREATE FUNCTION governance_keep_latest_run(run qa_executions) RETURNS void LANGUAGE sql AS $$
    INSERT INTO qa_latest_runs AS kept (
        execution_id, task_id, qa_suite_location, executed_at, qa_status,
        total_tests, passing_tests, failing_tests, skipped_tests, test_debt_count
    ) VALUES (
        run.execution_id, run.task_id, run.qa_suite_location, run.executed_at, run.qa_status,
        run.total_tests, run.passing_tests, run.failing_tests, run.skipped_tests,
        run.test_debt_count
    )
    ON CONFLICT (task_id, qa_suite_location) DO UPDATE SET
        execution_id = EXCLUDED.execution_id, executed_at = EXCLUDED.executed_at,
        qa_status = EXCLUDED.qa_status, total_tests = EXCLUDED.total_tests,
        passing_tests = EXCLUDED.passing_tests, failing_tests = EXCLUDED.failing_tests,
        skipped_tests = EXCLUDED.skipped_tests, test_debt_count = EXCLUDED.test_debt_count
    WHERE (kept.executed_at, kept.execution_id) < (EXCLUDED.executed_at, EXCLUDED.execution_id)
$$;

-- A run that is corrected, moved or deleted may have been the latest: its suite is told anew, by a
-- statement that sees whatever was waited for.
CREATE FUNCTION governance_keep_latest_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM qa_latest_runs
        WHERE (task_id, qa_suite_location) IN (SELECT task_id, qa_suite_location FROM old_rows);
        PERFORM governance_keep_latest_run(run) FROM qa_executions AS run
        WHERE (task_id, qa_suite_location) IN (SELECT task_id, qa_suite_location FROM old_rows)
        ORDER BY task_id, qa_suite_location, executed_at DESC, execution_id DESC;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM governance_keep_latest_run(run)
        FROM qa_executions AS run JOIN new_rows AS new USING (execution_id)
        ORDER BY run.task_id, run.qa_suite_location, run.executed_at DESC, run.execution_id DESC;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER governance_keep_latest_runs_inserted AFTER INSERT ON qa_executions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();
CREATE TRIGGER governance_keep_latest_runs_updated AFTER UPDATE ON qa_executions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();
CREATE TRIGGER governance_keep_latest_runs_deleted AFTER DELETE ON qa_executions
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();

SELECT governance_keep_latest_run(run) FROM qa_executions AS run
ORDER BY executed_at DESC, execution_id DESC;

CREATE FUNCTION governance_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is kept by triggers: what it follows from is to be changed.', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_is_kept', TABLE = TG_TABLE_NAME;
END $$;

CREATE TRIGGER governance_is_kept BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON qa_latest_runs
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION governance_is_kept();
