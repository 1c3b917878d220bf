-- A builder serves all organisations. Who works for one takes it and lets it go, and changes nothing of what
-- it is to the others: its backend, its provenance, or after which silence it has stalled.
CREATE OR REPLACE FUNCTION builders_builders_shared() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF nullif(current_setting('foreman.organisation', true), '') IS NOT NULL
        AND (NEW.backend_type, NEW.provenance, NEW.created_at, NEW.silence_threshold_seconds)
            IS DISTINCT FROM
            (OLD.backend_type, OLD.provenance, OLD.created_at, OLD.silence_threshold_seconds)
    THEN
        RAISE EXCEPTION 'Builders are shared: only the whole office changes what % is.', NEW.builder_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_builders_shared',
                TABLE = 'builders';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER builders_builders_shared
    BEFORE UPDATE OF backend_type, provenance, created_at, silence_threshold_seconds ON builders
    FOR EACH ROW EXECUTE FUNCTION builders_builders_shared();
