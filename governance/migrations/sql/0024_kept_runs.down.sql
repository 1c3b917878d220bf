DROP TRIGGER governance_keep_latest_runs_inserted ON qa_executions;
DROP TRIGGER governance_keep_latest_runs_updated ON qa_executions;
DROP TRIGGER governance_keep_latest_runs_deleted ON qa_executions;
DROP TRIGGER governance_is_kept ON qa_latest_runs;
DROP FUNCTION governance_is_kept();
DROP FUNCTION governance_keep_latest_runs();
DROP FUNCTION governance_keep_latest_run(qa_executions);
ALTER TABLE qa_latest_runs DROP CONSTRAINT qa_latest_runs_execution_id_fkey;
