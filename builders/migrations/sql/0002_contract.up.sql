-- Contract 1.4, 1.6 and 4.3: the foreign keys of the work, with the delete actions that it states.
ALTER TABLE builders ADD CONSTRAINT builders_current_task_id_fkey
    FOREIGN KEY (current_task_id) REFERENCES tasks (task_id) ON DELETE RESTRICT;
ALTER TABLE heartbeats ADD CONSTRAINT heartbeats_builder_id_fkey
    FOREIGN KEY (builder_id) REFERENCES builders (builder_id);
ALTER TABLE heartbeats ADD CONSTRAINT heartbeats_task_id_fkey
    FOREIGN KEY (task_id) REFERENCES tasks (task_id);

-- Django gives every text key a second index, for LIKE. Nobody searches five names so, and each
-- heartbeat would have to write it.
DROP INDEX builders_builder_id_32033d7a_like;

CREATE TRIGGER builders_updated_at BEFORE UPDATE ON builders
    FOR EACH ROW EXECUTE FUNCTION update_updated_at();

-- The five builders exist from the start. Where they run is told when the first plan is imported
-- or by an admin; until then they are taken to be local.
INSERT INTO builders (builder_id, backend_type, state)
SELECT name || '-builder', 'local', 'idle'
FROM unnest(ARRAY['ui', 'api', 'schema', 'integration', 'qa']) AS name
ON CONFLICT DO NOTHING;


-- A beat is applied where it lands, whoever wrote the row.
--
-- A beat that says to come from the future would keep its builder alive after its death.
CREATE FUNCTION builders_heartbeats_not_ahead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.timestamp > now() + interval '1 minute' THEN
        RAISE EXCEPTION 'A heartbeat cannot be more than a minute ahead of the office''s clock.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_heartbeats_not_ahead',
                TABLE = 'heartbeats', COLUMN = 'timestamp';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER builders_heartbeats_not_ahead BEFORE INSERT OR UPDATE OF timestamp ON heartbeats
    FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_not_ahead();

-- Only the newest beat speaks for its builder, and only about the task that the builder holds: a
-- late, repeated or wrongly ordered one is kept and changes nothing. Its own time is kept, even a
-- little ahead of ours: cut to now() it would let an older beat from the same fast clock follow it.
-- What a beat changes, the builder has done.
CREATE FUNCTION builders_heartbeats_apply() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor_before CONSTANT text := coalesce(current_setting('foreman.actor', true), '');
    held uuid;
BEGIN
    PERFORM set_config('foreman.actor', NEW.builder_id, true);

    UPDATE builders
    SET last_heartbeat = NEW.timestamp, state = NEW.status
    WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp
    RETURNING current_task_id INTO held;

    -- Looked at before it is touched: an UPDATE of no rows would still wake every trigger on tasks.
    IF held = NEW.task_id AND EXISTS (
        SELECT FROM tasks
        WHERE task_id = held
            AND state IN ('assigned', 'in-progress', 'blocked')
            AND (
                progress_percentage <> NEW.progress_percentage
                OR (state = 'assigned' AND NEW.status = 'active')
            )
    ) THEN
        UPDATE tasks
        SET progress_percentage = coalesce(NEW.progress_percentage, progress_percentage),
            state = CASE
                WHEN state = 'assigned' AND NEW.status = 'active' THEN 'in-progress' ELSE state
            END,
            started_at = CASE
                WHEN state = 'assigned' AND NEW.status = 'active'
                    THEN coalesce(started_at, NEW.timestamp)
                ELSE started_at
            END
        WHERE task_id = held AND state IN ('assigned', 'in-progress', 'blocked');
    END IF;

    PERFORM set_config('foreman.actor', actor_before, true);
    RETURN NULL;
END $$;

CREATE TRIGGER builders_heartbeats_apply AFTER INSERT ON heartbeats
    FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_apply();
