-- What a program has cost in all, or a builder in this month of UTC, in US dollars: as agents tell
-- it, and by the price list where they tell no cost. What heartbeats tell of an hour is not counted beside
-- what the agent exports of it (UsageHour.objects.counted).
CREATE OR REPLACE FUNCTION governance_spent(program uuid, builder text)
RETURNS numeric LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT AS $$
DECLARE
    heartbeat CONSTANT integer := 5;  -- UsageSource
BEGIN
    IF program IS NOT NULL THEN
        RETURN (
            SELECT coalesce(sum(CASE
                WHEN kind = 'cost' THEN used.amount
                WHEN cost_from = 0 THEN used.estimate
            END), 0)
            FROM waves
            JOIN tasks ON tasks.wave_id = waves.wave_id
            JOIN usage_hours AS used ON used.task_id = tasks.task_id
            JOIN usage_sessions AS told USING (usage_session_id)
            WHERE waves.program_id = program
                AND source = CASE kind WHEN 'cost' THEN cost_from ELSE tokens_from END
                AND (source <> heartbeat OR NOT EXISTS (
                    SELECT FROM usage_hours AS exported
                    WHERE exported.builder_id = used.builder_id
                        AND exported.task_id = used.task_id AND exported.hour = used.hour
                        AND exported.source <> heartbeat))
        );
    END IF;
    RETURN (
        SELECT coalesce(sum(CASE
            WHEN kind = 'cost' THEN used.amount
            WHEN cost_from = 0 THEN used.estimate
        END), 0)
        FROM usage_hours AS used
        JOIN usage_sessions AS told USING (usage_session_id)
        WHERE used.builder_id = builder AND hour >= date_trunc('month', now(), 'UTC')
            AND source = CASE kind WHEN 'cost' THEN cost_from ELSE tokens_from END
            AND (source <> heartbeat OR NOT EXISTS (
                SELECT FROM usage_hours AS exported
                WHERE exported.builder_id = used.builder_id
                    AND exported.task_id = used.task_id AND exported.hour = used.hour
                    AND exported.source <> heartbeat))
    );
END $$;
