-- The lifecycle of a wave. What is not listed here is refused, for any writer, by name.
CREATE OR REPLACE FUNCTION programs_waves_moves() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('planned', 'in-progress'),     ('planned', 'blocked'),
        ('in-progress', 'blocked'),     ('in-progress', 'completed'),  ('in-progress', 'failed'),
        ('blocked', 'planned'),         ('blocked', 'in-progress'),    ('blocked', 'failed'),
        ('failed', 'in-progress')
    ) AND NOT programs_is_forced() THEN
        RAISE EXCEPTION 'This wave is %: it cannot become %.',
            programs_state_name(OLD.state), programs_state_name(NEW.state)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_moves',
                TABLE = 'waves', COLUMN = 'state';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_waves_moves BEFORE UPDATE ON waves
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION programs_waves_moves();
