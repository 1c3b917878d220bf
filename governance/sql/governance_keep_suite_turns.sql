-- Keep in which runs a suite became green, or was green no more. Usually a run is the last of its
-- suite to arrive, and only the one before it is looked at. It runs after the latest run of the
-- suite is kept (triggers run in the order of their names), whose row two runs at once wait for:
-- the second sees the first.
CREATE OR REPLACE FUNCTION governance_keep_suite_turns() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM governance_find_suite_turns(array_agg(task_id), array_agg(qa_suite_location))
        FROM old_rows;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        PERFORM governance_find_suite_turns(array_agg(task_id), array_agg(qa_suite_location))
        FROM new_rows;
    ELSIF TG_OP = 'INSERT' THEN
        IF EXISTS (
            SELECT FROM new_rows AS added JOIN qa_executions AS later
                ON later.task_id = added.task_id AND later.qa_suite_location = added.qa_suite_location
                AND (later.arrived_at, later.recorded) > (added.arrived_at, added.recorded)
        ) THEN
            PERFORM governance_find_suite_turns(array_agg(task_id), array_agg(qa_suite_location))
            FROM new_rows;
        ELSE
            INSERT INTO qa_suite_turns (
                execution_id, task_id, qa_suite_location, is_green, turned_at, since,
                arrived_at, recorded, organisation_id
            )
            SELECT added.execution_id, added.task_id, added.qa_suite_location, added.qa_status = 'GREEN',
                added.executed_at, coalesce(turn.turned_at, first.executed_at),
                added.arrived_at, added.recorded, added.organisation_id
            FROM new_rows AS added
            CROSS JOIN LATERAL (
                SELECT run.qa_status FROM qa_executions AS run
                WHERE run.task_id = added.task_id AND run.qa_suite_location = added.qa_suite_location
                    AND (run.arrived_at, run.recorded) < (added.arrived_at, added.recorded)
                ORDER BY run.arrived_at DESC, run.recorded DESC LIMIT 1
            ) AS before
            LEFT JOIN LATERAL (
                SELECT kept.turned_at FROM qa_suite_turns AS kept
                WHERE kept.task_id = added.task_id AND kept.qa_suite_location = added.qa_suite_location
                ORDER BY kept.arrived_at DESC, kept.recorded DESC LIMIT 1
            ) AS turn ON true
            LEFT JOIN LATERAL (
                SELECT run.executed_at FROM qa_executions AS run
                WHERE run.task_id = added.task_id AND run.qa_suite_location = added.qa_suite_location
                ORDER BY run.arrived_at, run.recorded LIMIT 1
            ) AS first ON turn.turned_at IS NULL
            WHERE (before.qa_status = 'GREEN') <> (added.qa_status = 'GREEN');
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_keep_suite_turns_inserted AFTER INSERT ON qa_executions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_suite_turns();

CREATE OR REPLACE TRIGGER governance_keep_suite_turns_updated AFTER UPDATE ON qa_executions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_suite_turns();

CREATE OR REPLACE TRIGGER governance_keep_suite_turns_deleted AFTER DELETE ON qa_executions
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_suite_turns();
