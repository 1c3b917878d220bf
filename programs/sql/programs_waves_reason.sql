-- That a wave goes on before what it depends on is completed is accepted only for a reason.
CREATE OR REPLACE FUNCTION programs_waves_reason() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF programs_reason() IS NULL THEN
        RAISE EXCEPTION 'Enter a reason to accept that wave "%" continues.', NEW.name
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_reason',
                TABLE = 'waves', COLUMN = 'dependencies_accepted_at';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_waves_reason
    BEFORE UPDATE OF dependencies_accepted_at ON waves
    FOR EACH ROW
    WHEN (OLD.dependencies_accepted_at IS DISTINCT FROM NEW.dependencies_accepted_at)
    EXECUTE FUNCTION programs_waves_reason();
