-- A builder asks about the task that it has, and at most five questions of a task are open. Its row
-- is locked, so that a task cannot be taken away while something is asked about it.
CREATE OR REPLACE FUNCTION builders_questions_of_holder() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM builders
    WHERE builder_id = NEW.builder_id AND current_task_id = NEW.task_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% asks about a task that it does not have.', NEW.builder_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_questions_of_holder',
                TABLE = 'task_questions', COLUMN = 'task_id';
    END IF;
    IF (
        SELECT count(*) FROM task_questions
        WHERE task_id = NEW.task_id AND answered_at IS NULL AND withdrawn_at IS NULL
    ) >= 5 THEN
        RAISE EXCEPTION
            'Five questions about this task wait for an answer. Withdraw one before the next.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_questions_of_holder',
                TABLE = 'task_questions', COLUMN = 'task_id';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER builders_questions_of_holder BEFORE INSERT ON task_questions
    FOR EACH ROW EXECUTE FUNCTION builders_questions_of_holder();
