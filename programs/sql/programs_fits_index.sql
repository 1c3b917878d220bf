-- What stands in an index is bounded in bytes, so that PostgreSQL does not refuse it later for a
-- reason of its own: a program's name, and the suite that runs are found by. Asked where it
-- changes: what was stored before this rule stays and can go on.
--
-- Arguments: the column. (The bound is that of kit/core/bounds.py.)
CREATE OR REPLACE FUNCTION programs_fits_index() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    said CONSTANT text := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    IF octet_length(said) > 2000 AND NOT (
        TG_OP = 'UPDATE' AND to_jsonb(OLD) ->> TG_ARGV[0] IS NOT DISTINCT FROM said
    ) THEN
        RAISE EXCEPTION '% must have at most 2,000 bytes in UTF-8, and has %.',
            TG_ARGV[0], to_char(octet_length(said), 'FM999,999,999')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_fits_index',
                TABLE = TG_TABLE_NAME, COLUMN = TG_ARGV[0];
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_fits_index_name BEFORE INSERT OR UPDATE OF name ON programs
    FOR EACH ROW WHEN (octet_length(NEW.name) > 2000)
    EXECUTE FUNCTION programs_fits_index('name');

CREATE OR REPLACE TRIGGER programs_fits_index_suite
    BEFORE INSERT OR UPDATE OF qa_suite_location ON tasks
    FOR EACH ROW WHEN (octet_length(NEW.qa_suite_location) > 2000)
    EXECUTE FUNCTION programs_fits_index('qa_suite_location');
