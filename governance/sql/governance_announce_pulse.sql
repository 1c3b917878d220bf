-- A heartbeat is announced through its builder's row, and changes nothing of the task that it is
-- about: what it does change is announced as a change of the task. A transaction that announces
-- something waits for all others that do, until they are on the disk; so of the beats of one
-- builder only the first in each twentieth of a second is announced, and a listener waits a little
-- longer than that.
--
-- Beats are announced to the organisation of the task that the builder holds; that a builder was taken or
-- let go concerns whoever might take it, and is told to all.
CREATE OR REPLACE FUNCTION governance_announce_pulse() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.current_task_id IS DISTINCT FROM OLD.current_task_id THEN
        PERFORM pg_notify('foreman', 'builder:' || NEW.builder_id);
    END IF;
    IF date_bin('50 ms', NEW.updated_at, 'epoch') > date_bin('50 ms', OLD.updated_at, 'epoch') THEN
        PERFORM pg_notify('foreman', concat_ws(' ',
            (SELECT organisation_id FROM tasks WHERE task_id = NEW.current_task_id),
            'builder:' || NEW.builder_id, 'beat:' || NEW.current_task_id));
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_announce_pulse AFTER UPDATE ON builders
    FOR EACH ROW EXECUTE FUNCTION governance_announce_pulse();
