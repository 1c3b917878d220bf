-- The verb of the trail: "created", "state_changed", "blocker_raised", "qa_run_recorded", ...
-- Pauses leave evidence about their builder: "pause_started", "pause_ended".
CREATE OR REPLACE FUNCTION governance_action(noun text, operation text, changes jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN noun IN ('program', 'wave', 'task', 'builder') THEN '' ELSE noun || '_' END
        || CASE
            WHEN operation = 'DELETE' THEN 'deleted'
            WHEN operation = 'INSERT' THEN
                CASE
                    WHEN noun IN ('program', 'wave', 'task', 'builder') THEN 'created'
                    WHEN noun = 'blocker' THEN 'raised'
                    WHEN noun = 'pause' THEN 'started'
                    WHEN noun = 'question' THEN 'asked'
                    ELSE 'recorded'
                END
            WHEN changes ? 'current_task_id' THEN
                CASE changes -> 'current_task_id' -> 1
                    WHEN 'null' THEN 'released' ELSE 'assigned'
                END
            WHEN changes ? 'state' THEN 'state_changed'
            WHEN changes ? 'ended_at' AND changes -> 'ended_at' -> 0 = 'null' THEN 'ended'
            WHEN changes ? 'resolved_at' AND changes -> 'resolved_at' -> 0 = 'null'
                THEN 'resolved'
            WHEN changes ? 'resolved_at' AND changes -> 'resolved_at' -> 1 = 'null'
                THEN 'reopened'
            WHEN changes ? 'answered_at' AND changes -> 'answered_at' -> 0 = 'null' THEN 'answered'
            WHEN changes ? 'withdrawn_at' AND changes -> 'withdrawn_at' -> 0 = 'null'
                THEN 'withdrawn'
            WHEN changes - 'progress_percentage' = '{}' THEN 'progress_forced'
            ELSE 'edited'
        END;
END;
