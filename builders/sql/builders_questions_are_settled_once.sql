-- What was asked stays as it was asked, and a question that was answered or withdrawn stays so,
-- unless an override says why.
CREATE OR REPLACE FUNCTION builders_questions_are_settled_once() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW IS DISTINCT FROM OLD AND NOT programs_is_forced() AND (
        OLD.answered_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL
        OR (NEW.task_id, NEW.builder_id, NEW.question, NEW.options, NEW.asked_at)
            IS DISTINCT FROM (OLD.task_id, OLD.builder_id, OLD.question, OLD.options, OLD.asked_at)
    ) THEN
        RAISE EXCEPTION '%', CASE
            WHEN OLD.answered_at IS NOT NULL THEN 'This question is answered already.'
            WHEN OLD.withdrawn_at IS NOT NULL THEN
                format('This question is withdrawn: %s', OLD.withdrawn_because)
            ELSE 'A question stays as it was asked.'
        END
            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_questions_are_settled_once',
                TABLE = 'task_questions';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER builders_questions_are_settled_once BEFORE UPDATE ON task_questions
    FOR EACH ROW EXECUTE FUNCTION builders_questions_are_settled_once();
