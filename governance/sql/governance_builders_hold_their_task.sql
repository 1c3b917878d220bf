-- A builder's current task is assigned to no other builder, and is neither completed nor failed.
-- Deferred, because assigning changes two rows.
--
-- Checked only if a column that it reads has changed: not for a heartbeat or a bulk change of
-- progress. The trigger on builders names its columns, so a heartbeat does not even call it. It looks
-- past row level security, as the organisation may have changed until the end of the transaction.
CREATE OR REPLACE FUNCTION governance_builders_hold_their_task() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    held uuid;
    builder text;
    task text;
BEGIN
    IF TG_TABLE_NAME = 'builders' THEN
        IF TG_OP = 'UPDATE' AND NEW.current_task_id IS NOT DISTINCT FROM OLD.current_task_id THEN
            RETURN NULL;
        END IF;
        held := NEW.current_task_id;
    ELSE
        IF NEW.state = OLD.state AND NEW.assigned_builder IS NOT DISTINCT FROM OLD.assigned_builder
        THEN
            RETURN NULL;
        END IF;
        held := NEW.task_id;
    END IF;
    SELECT builder_id, tasks.name INTO builder, task
    FROM builders JOIN tasks ON task_id = current_task_id
    WHERE current_task_id = held
        AND (assigned_builder <> builder_id OR tasks.state IN ('completed', 'failed'));
    IF FOUND THEN
        RAISE EXCEPTION
            '% cannot have the task "%": it is completed, failed or assigned to another builder.',
            builder, task
            USING ERRCODE = 'check_violation',
                CONSTRAINT = 'governance_builders_hold_their_task',
                TABLE = 'builders', COLUMN = 'current_task_id';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER governance_builders_hold_their_task
    AFTER UPDATE ON tasks DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_builders_hold_their_task();

CREATE CONSTRAINT TRIGGER governance_builders_hold_their_task
    AFTER INSERT OR UPDATE OF current_task_id ON builders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_builders_hold_their_task();
