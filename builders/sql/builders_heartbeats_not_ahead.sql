-- A heartbeat from the future would keep its builder from being silent.
CREATE OR REPLACE FUNCTION builders_heartbeats_not_ahead() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.timestamp > now() + interval '1 minute' THEN
        RAISE EXCEPTION 'A heartbeat cannot be more than a minute ahead of the office''s clock.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_heartbeats_not_ahead',
                TABLE = 'heartbeats', COLUMN = 'timestamp';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER builders_heartbeats_not_ahead
    BEFORE INSERT OR UPDATE OF timestamp ON heartbeats
    FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_not_ahead();
