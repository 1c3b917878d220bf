-- A beat that is late is heard and changes nothing else of its builder: it is announced for itself.
-- It was sent before the office received it; the usual beat is stamped by the office, and costs
-- this trigger one comparison.
CREATE OR REPLACE FUNCTION governance_announce_late() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.timestamp < NEW.received_at AND EXISTS (
        SELECT FROM builders
        WHERE builder_id = NEW.builder_id AND last_heartbeat > NEW.timestamp
    ) THEN
        PERFORM governance_announce_rows('beat', ARRAY[
            jsonb_build_object('builder_id', NEW.builder_id, 'entity_type', 'beat',
                'entity_id', NEW.task_id, 'organisation_id',
                CASE WHEN NEW.task_id IS NOT NULL THEN NEW.organisation_id END)
        ]);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_announce_late AFTER INSERT ON heartbeats
    FOR EACH ROW EXECUTE FUNCTION governance_announce_late();
