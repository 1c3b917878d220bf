-- Set the end of pauses whose time is over before a new one begins.
CREATE OR REPLACE FUNCTION builders_builder_pauses_elapsed() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM builders_end_pauses(NEW.builder_id);
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER builders_builder_pauses_elapsed BEFORE INSERT ON builder_pauses
    FOR EACH ROW EXECUTE FUNCTION builders_builder_pauses_elapsed();
