-- A heartbeat is applied where it is stored, whoever wrote the row. Every one is a sign of life
-- when the office receives it, whatever its sender's clock says (`heard_at`). Only one that is in
-- order sets its builder's state, and progress of the task that the builder holds: a late or
-- repeated heartbeat is kept and moves nothing backwards. What a heartbeat changes, the builder has
-- done.
--
-- In order: the sender's times are compared among themselves, and what the office stamped itself by
-- arrival, so that a clock that is fast or slow makes no heartbeat unbelieved. Where a builder
-- sends both, the sender's time and its usual lag are compared with the last stamp of the office. A
-- clock that was set back is believed from its second heartbeat on (builders_clock_was_set_back).
-- After a declared stall one that was sent before the stall, by the sender's clock and its usual
-- lag, does not end it; the second one received after the stall does.
--
-- What the rules say about tasks is no ground to refuse a true report: the heartbeat is kept, the
-- task stays as it is. The time of the last work is noted: the last heartbeat that changed the
-- progress.
--
-- A builder that holds a task of an organisation is moved by no heartbeat with a token of another: that
-- one is kept, and is no sign of life of the work that its sender may not know of. The builder is locked
-- before that is asked.
--
-- What an import records is history: it is stored, and moves neither builder nor task.
--
-- What moves is locked already (builders_heartbeats_lock). The builder's state is written only
-- where it changes, so that a usual heartbeat fires no trigger on it; and the task is touched only
-- where it changes, because an UPDATE of no rows would fire every trigger on tasks. The actor is
-- set, and set back, in assignments: a PERFORM would be a statement more for each.
CREATE OR REPLACE FUNCTION builders_heartbeats_apply() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    actor_before CONSTANT text := coalesce(current_setting('foreman.actor', true), '');
    speaks_for CONSTANT text := nullif(current_setting('foreman.token_organisation', true), '');
    received CONSTANT timestamptz := coalesce(NEW.received_at, NEW.timestamp);
    stamped CONSTANT boolean := NEW.timestamp = received;
    actor text;
    known builders;
    holds boolean;
    begins boolean;
BEGIN
    IF speaks_for IS NOT NULL THEN
        PERFORM FROM builders WHERE builder_id = NEW.builder_id FOR NO KEY UPDATE;
        IF EXISTS (
            SELECT FROM builders JOIN tasks ON task_id = current_task_id
            WHERE builder_id = NEW.builder_id AND tasks.organisation_id::text <> speaks_for
        ) THEN
            RETURN NULL;
        END IF;
    END IF;
    actor := set_config('foreman.actor', NEW.builder_id, true);
    UPDATE builders
    SET last_heartbeat = greatest(last_heartbeat, least(NEW.timestamp, received)),
        heard_at = greatest(heard_at, received),
        stamped_at = CASE WHEN stamped THEN received ELSE stamped_at END,
        last_sent_at = CASE WHEN stamped THEN last_sent_at ELSE NEW.timestamp END,
        clock_lag = CASE WHEN stamped THEN clock_lag ELSE received - NEW.timestamp END,
        announced_seconds = NEW.next_beat_within_seconds
    WHERE builder_id = NEW.builder_id AND state = NEW.status
        AND CASE WHEN stamped THEN received >= coalesce(heard_at, last_heartbeat)
            ELSE NEW.timestamp >= coalesce(last_sent_at, NEW.timestamp)
                AND NEW.timestamp + coalesce(clock_lag, interval '0')
                    >= coalesce(stamped_at, '-infinity')
            END
    RETURNING current_task_id = NEW.task_id, NEW.status = 'active' AND EXISTS (
        SELECT FROM tasks WHERE task_id = NEW.task_id AND tasks.state = 'assigned'
    ) INTO holds, begins;
    IF NOT FOUND THEN
        SELECT * INTO known FROM builders WHERE builder_id = NEW.builder_id FOR NO KEY UPDATE;
        IF builders_is_in_order(known, NEW) THEN
            UPDATE builders
            SET last_heartbeat = greatest(last_heartbeat, least(NEW.timestamp, received)),
                heard_at = greatest(heard_at, received),
                stamped_at = CASE WHEN stamped THEN received ELSE stamped_at END,
                last_sent_at = CASE WHEN stamped THEN last_sent_at ELSE NEW.timestamp END,
                clock_lag = CASE WHEN stamped THEN clock_lag ELSE received - NEW.timestamp END,
                announced_seconds = NEW.next_beat_within_seconds,
                state = NEW.status
            WHERE builder_id = NEW.builder_id
            RETURNING current_task_id = NEW.task_id, NEW.status = 'active' INTO holds, begins;
        ELSE
            UPDATE builders SET heard_at = greatest(heard_at, received)
            WHERE builder_id = NEW.builder_id
                AND heard_at IS DISTINCT FROM greatest(heard_at, received);
        END IF;
    END IF;

    -- Asked when the builder is ours, and the last word of another heartbeat about it has been
    -- said.
    IF holds AND NEW.progress_percentage IS NOT NULL AND EXISTS (
        SELECT FROM tasks
        WHERE task_id = NEW.task_id
            AND state IN ('assigned', 'in-progress', 'blocked')
            AND progress_percentage <> NEW.progress_percentage
    ) THEN
        UPDATE tasks
        SET progress_percentage = NEW.progress_percentage, worked_at = NEW.timestamp,
            work_received_at = received
        WHERE task_id = NEW.task_id AND state IN ('assigned', 'in-progress', 'blocked');
    END IF;
    IF holds AND begins AND EXISTS (
        SELECT FROM tasks WHERE task_id = NEW.task_id AND state = 'assigned'
    ) THEN
        BEGIN
            UPDATE tasks
            SET state = 'in-progress', started_at = coalesce(started_at, received)
            WHERE task_id = NEW.task_id AND state = 'assigned';
        EXCEPTION WHEN check_violation THEN
            NULL;  -- its wave or program does not let it begin yet; the next heartbeat asks again
        END;
    END IF;

    actor := set_config('foreman.actor', actor_before, true);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER builders_heartbeats_apply AFTER INSERT ON heartbeats
    FOR EACH ROW WHEN (NOT programs_is_history()) EXECUTE FUNCTION builders_heartbeats_apply();
