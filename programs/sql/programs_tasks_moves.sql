-- The lifecycle of a task. What is not listed here is refused, for any writer, by name. A task
-- without a builder is a manual task of the foreman: it starts without an assignment.
CREATE OR REPLACE FUNCTION programs_tasks_moves() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('planned', 'assigned'),        ('planned', 'blocked'),
        ('assigned', 'in-progress'),    ('assigned', 'planned'),       ('assigned', 'blocked'),
        ('in-progress', 'completed'),   ('in-progress', 'blocked'),    ('in-progress', 'failed'),
        ('blocked', 'planned'),         ('blocked', 'assigned'),       ('blocked', 'in-progress'),
        ('blocked', 'failed'),          ('failed', 'planned')
    ) AND NOT (
        NEW.assigned_builder IS NULL AND (OLD.state, NEW.state) = ('planned', 'in-progress')
    ) AND NOT programs_is_forced() THEN
        RAISE EXCEPTION 'This task is %: it cannot become %.',
            programs_state_name(OLD.state), programs_state_name(NEW.state)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_tasks_moves',
                TABLE = 'tasks', COLUMN = 'state';
    END IF;
    IF NEW.state = 'assigned' AND NEW.assigned_builder IS NULL AND NOT programs_is_forced() THEN
        RAISE EXCEPTION 'A task without a builder cannot be assigned.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_tasks_moves',
                TABLE = 'tasks', COLUMN = 'assigned_builder';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_tasks_moves BEFORE UPDATE ON tasks
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION programs_tasks_moves();
