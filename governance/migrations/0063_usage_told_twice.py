"""What is spent counts what heartbeats and exports tell of one hour once."""

import kit.core.rules
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("builders", "0019_usage_arrivals"),
        ("governance", "0062_list_columns"),
        ("programs", "0023_ordered_ids"),
    ]

    operations = [
        kit.core.rules.ChangeRules(
            before={
                "governance_spent": r"""
                CREATE OR REPLACE FUNCTION governance_spent(program uuid, builder text)
                RETURNS numeric LANGUAGE plpgsql STABLE
                SET search_path FROM CURRENT AS $$
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
                    );
                END $$;
                """,
            },
            after={
                "governance_spent": r"""
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
                """,
            },
        ),
    ]
