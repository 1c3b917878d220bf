-- The open questions of a builder about a task are withdrawn when it no longer has the task. The
-- trigger names its column, so a heartbeat does not even call it.
CREATE OR REPLACE FUNCTION builders_withdraw_questions() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF OLD.current_task_id IS NOT NULL
        AND NEW.current_task_id IS DISTINCT FROM OLD.current_task_id
    THEN
        UPDATE task_questions
        SET withdrawn_at = greatest(now(), asked_at), withdrawn_because = (
            SELECT CASE tasks.state WHEN 'completed' THEN 'The task is completed.'
                ELSE format('%s no longer has the task.', OLD.builder_id) END
            FROM tasks WHERE tasks.task_id = OLD.current_task_id)
        WHERE builder_id = OLD.builder_id AND task_id = OLD.current_task_id
            AND answered_at IS NULL AND withdrawn_at IS NULL;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER builders_withdraw_questions AFTER UPDATE OF current_task_id ON builders
    FOR EACH ROW EXECUTE FUNCTION builders_withdraw_questions();
