DROP TRIGGER governance_blockers_of_deleted ON tasks;
DROP TRIGGER governance_blockers_of_deleted ON waves;
DROP TRIGGER governance_blockers_of_deleted ON programs;
DROP FUNCTION governance_blockers_of_deleted();
DROP TRIGGER governance_blockers_entity ON blockers;
DROP FUNCTION governance_blockers_entity();

ALTER TABLE qa_executions DROP CONSTRAINT qa_executions_task_id_fkey;
ALTER TABLE architecture_validations DROP CONSTRAINT architecture_validations_task_id_fkey;
ALTER TABLE governance_violations DROP CONSTRAINT governance_violations_builder_id_fkey;
ALTER TABLE governance_violations DROP CONSTRAINT governance_violations_task_id_fkey;
