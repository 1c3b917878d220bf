-- A condition of completing: the latest run was made after the last reported work, and in this
-- attempt at the task. A report made before the work does not prove it. A builder that sends
-- heartbeats while its suite runs, or whose clock is wrong, is not refused for that.
--
-- If the run and the last heartbeat with progress both have a time of their sender, in a known
-- zone, those times are compared. (Reports are stamped in whole seconds, and a heartbeat may cross
-- the end of the suite: two seconds are no difference.) Otherwise arrival is compared with arrival,
-- by the office's clock. The same report sent again counts as arrived when it first arrived.
--
-- Against arrival, a run's own time proves only what no wrong clock explains: a quarter of an hour
-- and as much as its builder's beats come late, or a day where the zone is not known.
CREATE OR REPLACE FUNCTION governance_run_newer_than_work(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT AS $$
DECLARE
    run CONSTANT qa_executions := governance_latest_run(id);
    began CONSTANT timestamptz := governance_work_began(id);
    worked timestamptz;  -- as its sender says
    received timestamptz;
    is_stamped boolean;
    made timestamptz;  -- as its sender says
    came timestamptz;
    doubt interval;
BEGIN
    rule := 'run_newer_than_work';
    met := false;
    IF run.execution_id IS NULL THEN
        detail := 'There is no run.';
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT worked_at, coalesce(work_received_at, worked_at),
        coalesce(worked_at <> work_received_at, false)
    INTO worked, received, is_stamped
    FROM tasks WHERE task_id = id;
    made := coalesce(run.ended_at, nullif(run.executed_at, run.arrived_at));
    came := coalesce((
        SELECT min(arrived_at) FROM qa_executions AS same
        WHERE task_id = run.task_id AND qa_suite_location = run.qa_suite_location
            AND ended_at = run.ended_at AND total_tests = run.total_tests
            AND passing_tests = run.passing_tests AND arrived_at < run.arrived_at
    ), run.arrived_at);
    doubt := CASE
        WHEN run.ended_zone_known
            THEN interval '15 minutes' + greatest(received - worked, interval '0')
        ELSE interval '1 day'
    END;

    IF came < began THEN
        detail := format('The latest run arrived %s before this attempt at the task began.',
            date_trunc('second', began - came));
    ELSIF made < began - doubt THEN
        detail := format('The latest run was made %s before this attempt at the task began.',
            date_trunc('second', began - made));
    ELSIF worked IS NULL THEN
        met := true;
        detail := 'No work has been reported since.';
    ELSIF made IS NOT NULL AND run.ended_zone_known AND is_stamped THEN
        -- A heartbeat was not sent later than it arrived: a later time is of a fast clock.
        met := made + interval '2 seconds' > least(worked, received);
        detail := CASE WHEN met THEN 'The latest run was made after the last reported work.'
            ELSE format('Work continued for %s after the latest run was made.',
                date_trunc('second', least(worked, received) - made)) END;
    ELSIF came <= received THEN
        detail := format('Work continued for %s after the latest run.',
            date_trunc('second', received - came));
    ELSIF made < received - doubt THEN
        detail := format('The latest run was made %s before the last reported work.',
            date_trunc('second', received - made));
    ELSE
        met := true;
        detail := 'The latest run arrived after the last reported work.' || CASE
            WHEN made < received THEN ' By its sender''s clock it was made before; that clock'
                ' cannot be verified, so the arrival counts.'
            ELSE '' END;
    END IF;
    RETURN NEXT;
END $$;
