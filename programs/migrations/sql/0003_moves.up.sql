-- The lifecycles. What is not listed here is refused, for any writer, by name.

-- A transaction may declare that it writes down what has long happened (a plan file's history), or
-- a reason to force what the rules would refuse. Evidence keeps both for ever.
CREATE FUNCTION programs_is_history() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('foreman.context', true), ''), '{}')::jsonb ? 'import'
$$;

CREATE FUNCTION programs_is_forced() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('foreman.override', true), '') <> '' OR programs_is_history()
$$;

CREATE FUNCTION programs_programs_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('planned', 'in-progress'),     ('planned', 'blocked'),
        ('in-progress', 'blocked'),     ('in-progress', 'completed'),  ('in-progress', 'failed'),
        ('blocked', 'planned'),         ('blocked', 'in-progress'),    ('blocked', 'failed'),
        ('failed', 'in-progress')
    ) AND NOT programs_is_forced() THEN
        RAISE EXCEPTION 'This program is %: it cannot become %.', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_programs_moves',
                TABLE = 'programs', COLUMN = 'state';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER programs_programs_moves BEFORE UPDATE ON programs
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION programs_programs_moves();

CREATE FUNCTION programs_waves_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('planned', 'in-progress'),     ('planned', 'blocked'),
        ('in-progress', 'blocked'),     ('in-progress', 'completed'),  ('in-progress', 'failed'),
        ('blocked', 'planned'),         ('blocked', 'in-progress'),    ('blocked', 'failed'),
        ('failed', 'in-progress')
    ) AND NOT programs_is_forced() THEN
        RAISE EXCEPTION 'This wave is %: it cannot become %.', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_moves',
                TABLE = 'waves', COLUMN = 'state';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER programs_waves_moves BEFORE UPDATE ON waves
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION programs_waves_moves();

-- A task without a builder is the foreman's own work: nobody is assigned before it begins.
CREATE FUNCTION programs_tasks_moves() RETURNS trigger LANGUAGE plpgsql AS $$
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
        RAISE EXCEPTION 'This task is %: it cannot become %.', OLD.state, NEW.state
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

CREATE TRIGGER programs_tasks_moves BEFORE UPDATE ON tasks
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION programs_tasks_moves();

-- The times of a task follow its state, whoever moves it; a time that the writer gives is kept.
CREATE FUNCTION programs_tasks_times() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'in-progress' THEN
        NEW.started_at := coalesce(NEW.started_at, now());
        NEW.completed_at := NULL;
    ELSIF NEW.state = 'completed' THEN
        NEW.started_at := coalesce(NEW.started_at, now());
        NEW.completed_at := coalesce(NEW.completed_at, now());
        NEW.progress_percentage := 100;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER programs_tasks_times BEFORE UPDATE ON tasks
    FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT programs_is_history())
    EXECUTE FUNCTION programs_tasks_times();
