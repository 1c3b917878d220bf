-- What a task that is under way is judged by is changed only for a reason, which its certificate
-- shows. It holds for imports too: they write history, but this changes work of today. A task that
-- becomes planned by the same statement is no longer under way.
CREATE OR REPLACE FUNCTION programs_tasks_reason() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF programs_reason() IS NULL THEN
        RAISE EXCEPTION 'Task "%" is %: enter a reason to change its %.',
            NEW.name, programs_state_name(OLD.state), concat_ws(' and ',
                CASE WHEN NEW.acceptance_criteria <> OLD.acceptance_criteria
                    THEN 'acceptance criteria' END,
                CASE WHEN NEW.qa_suite_location <> OLD.qa_suite_location THEN 'QA suite' END,
                CASE WHEN NEW.architecture_reference <> OLD.architecture_reference
                    THEN 'architecture reference' END)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_tasks_reason',
                TABLE = 'tasks';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_tasks_reason
    BEFORE UPDATE OF acceptance_criteria, qa_suite_location, architecture_reference ON tasks
    FOR EACH ROW
    WHEN (
        OLD.state IN ('assigned', 'in-progress', 'blocked') AND NEW.state <> 'planned'
        AND (
            OLD.acceptance_criteria <> NEW.acceptance_criteria
            OR OLD.qa_suite_location <> NEW.qa_suite_location
            OR OLD.architecture_reference <> NEW.architecture_reference
        )
    )
    EXECUTE FUNCTION programs_tasks_reason();
