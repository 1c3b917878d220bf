-- A thing has at most 500 notes. Of two that are written on it at once, the later counts the earlier.
CREATE OR REPLACE FUNCTION governance_bounded_notes() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    most CONSTANT integer := 500;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.about_kind || ' ' || NEW.about_key, 0));
    IF (SELECT count(*) FROM entity_notes
        WHERE about_kind = NEW.about_kind AND about_key = NEW.about_key) >= most
    THEN
        RAISE EXCEPTION 'There are at most % notes on one thing.', most
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_bounded_notes',
                TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_bounded_notes BEFORE INSERT ON entity_notes
    FOR EACH ROW EXECUTE FUNCTION governance_bounded_notes();
