-- A heartbeat that an import records was received at an unknown time.
CREATE OR REPLACE FUNCTION builders_heartbeats_received() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    NEW.received_at := NULL;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER builders_heartbeats_received BEFORE INSERT ON heartbeats
    FOR EACH ROW WHEN (programs_is_history())
    EXECUTE FUNCTION builders_heartbeats_received();
