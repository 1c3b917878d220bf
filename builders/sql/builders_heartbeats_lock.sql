-- The task that a beat moves is locked before the beat is in, because the foreign key of the row
-- then holds on to the builder, whom a completion at the same time lets go after locking the task:
-- task before builder is the order of everything that moves a task, so that a beat and a completion
-- cannot wait for each other. A beat that ends a stall lets its task go back to where it was. A beat with
-- the token of another organisation than the task's moves nothing (builders_heartbeats_apply).
CREATE OR REPLACE FUNCTION builders_heartbeats_lock() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    speaks_for CONSTANT text := nullif(current_setting('foreman.token_organisation', true), '');
BEGIN
    PERFORM 1 FROM builders JOIN tasks ON task_id = current_task_id
    WHERE builder_id = NEW.builder_id
        AND (
            progress_percentage <> NEW.progress_percentage
            OR (tasks.state = 'assigned' AND NEW.status = 'active')
            OR tasks.state = 'blocked'
            OR builders.state = 'failed'
        )
        AND (speaks_for IS NULL OR tasks.organisation_id::text = speaks_for)
    FOR NO KEY UPDATE OF tasks;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER builders_heartbeats_lock BEFORE INSERT ON heartbeats
    FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_lock();
