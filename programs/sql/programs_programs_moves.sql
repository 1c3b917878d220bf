-- The lifecycle of a program. What is not listed here is refused, for any writer, by name.
CREATE OR REPLACE FUNCTION programs_programs_moves() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('planned', 'in-progress'),     ('planned', 'blocked'),
        ('in-progress', 'blocked'),     ('in-progress', 'completed'),  ('in-progress', 'failed'),
        ('blocked', 'planned'),         ('blocked', 'in-progress'),    ('blocked', 'failed'),
        ('failed', 'in-progress')
    ) AND NOT programs_is_forced() THEN
        RAISE EXCEPTION 'This program is %: it cannot become %.',
            programs_state_name(OLD.state), programs_state_name(NEW.state)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_programs_moves',
                TABLE = 'programs', COLUMN = 'state';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_programs_moves BEFORE UPDATE ON programs
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION programs_programs_moves();
