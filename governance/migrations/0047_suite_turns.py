"""Keep in which runs a suite became green, or was green no more."""

import django.db.models.deletion
import kit.core.rules
from django.db import migrations, models


# Nobody records a run between this and the triggers that keep the turns from then on.
TURNS_SO_FAR = """
    LOCK TABLE qa_executions IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO qa_suite_turns (
        execution_id, task_id, qa_suite_location, is_green, turned_at, since, arrived_at, recorded
    )
    SELECT execution_id, task_id, qa_suite_location, is_green, executed_at, since,
        arrived_at, recorded
    FROM (
        SELECT runs.*, lag(executed_at) OVER (
            PARTITION BY task_id, qa_suite_location ORDER BY arrived_at, recorded) AS since
        FROM (
            SELECT run.execution_id, run.task_id, run.qa_suite_location, run.executed_at,
                run.arrived_at, run.recorded, run.qa_status = 'GREEN' AS is_green,
                lag(run.qa_status = 'GREEN') OVER (
                    PARTITION BY run.task_id, run.qa_suite_location
                    ORDER BY run.arrived_at, run.recorded) AS was_green
            FROM qa_executions AS run
        ) AS runs
        WHERE is_green IS DISTINCT FROM was_green
    ) AS stretches
    WHERE since IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("builders", "0016_badges"),
        ("governance", "0046_quality_indexes"),
        ("programs", "0016_pull"),
    ]

    operations = [
        migrations.CreateModel(
            name="SuiteTurn",
            fields=[
                (
                    "execution",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="governance.qaexecution",
                    ),
                ),
                ("qa_suite_location", models.TextField()),
                ("is_green", models.BooleanField()),
                ("turned_at", models.DateTimeField()),
                ("since", models.DateTimeField()),
                ("arrived_at", models.DateTimeField(null=True)),
                ("recorded", models.BigIntegerField(null=True)),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="programs.task",
                    ),
                ),
            ],
            options={
                "db_table": "qa_suite_turns",
                "indexes": [
                    models.Index(
                        fields=["task", "qa_suite_location", "-arrived_at", "-recorded"],
                        name="idx_qa_suite_turns_suite",
                    ),
                    models.Index(
                        condition=models.Q(("is_green", True)),
                        fields=["-turned_at"],
                        include=("since",),
                        name="idx_qa_suite_turns_green",
                    ),
                    models.Index(
                        condition=models.Q(("is_green", False)),
                        fields=["-turned_at", "execution"],
                        name="idx_qa_suite_turns_lost",
                    ),
                ],
            },
        ),
        migrations.RunSQL(TURNS_SO_FAR, migrations.RunSQL.noop),
        kit.core.rules.ChangeRules(
            before={
                "governance_is_kept": r"""
                CREATE OR REPLACE FUNCTION governance_is_kept() RETURNS trigger LANGUAGE plpgsql
                SET search_path FROM CURRENT AS $$
                BEGIN
                    IF programs_is_by_rule(TG_RELID) THEN
                        RETURN NULL;
                    END IF;
                    RAISE EXCEPTION '% is maintained by triggers; change its source instead.', TG_TABLE_NAME
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_is_kept', TABLE = TG_TABLE_NAME;
                END $$;

                CREATE OR REPLACE TRIGGER governance_is_kept
                    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON qa_latest_runs
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_is_kept();
                """,
            },
            after={
                "governance_find_suite_turns": r"""
                CREATE OR REPLACE FUNCTION governance_find_suite_turns(task_ids uuid[], suites text[]) RETURNS void
                LANGUAGE sql
                BEGIN ATOMIC
                    DELETE FROM qa_suite_turns USING unnest(task_ids, suites) AS of (task_id, suite)
                    WHERE qa_suite_turns.task_id = of.task_id AND qa_suite_location = of.suite;

                    INSERT INTO qa_suite_turns (
                        execution_id, task_id, qa_suite_location, is_green, turned_at, since, arrived_at, recorded
                    )
                    SELECT execution_id, task_id, qa_suite_location, is_green, executed_at, since,
                        arrived_at, recorded
                    FROM (
                        -- Stretches of runs that are alike, each by its first run.
                        SELECT runs.*, lag(executed_at) OVER (
                            PARTITION BY task_id, qa_suite_location ORDER BY arrived_at, recorded) AS since
                        FROM (
                            SELECT run.execution_id, run.task_id, run.qa_suite_location, run.executed_at,
                                run.arrived_at, run.recorded, run.qa_status = 'GREEN' AS is_green,
                                lag(run.qa_status = 'GREEN') OVER (
                                    PARTITION BY run.task_id, run.qa_suite_location
                                    ORDER BY run.arrived_at, run.recorded) AS was_green
                            FROM (SELECT DISTINCT task_id, suite FROM unnest(task_ids, suites) AS of (task_id, suite))
                                AS of
                            JOIN qa_executions AS run
                                ON run.task_id = of.task_id AND run.qa_suite_location = of.suite
                        ) AS runs
                        WHERE is_green IS DISTINCT FROM was_green
                    ) AS stretches
                    WHERE since IS NOT NULL;
                END;
                """,
                "governance_is_kept": r"""
                CREATE OR REPLACE FUNCTION governance_is_kept() RETURNS trigger LANGUAGE plpgsql
                SET search_path FROM CURRENT AS $$
                BEGIN
                    IF programs_is_by_rule(TG_RELID) THEN
                        RETURN NULL;
                    END IF;
                    RAISE EXCEPTION '% is maintained by triggers; change its source instead.', TG_TABLE_NAME
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_is_kept', TABLE = TG_TABLE_NAME;
                END $$;

                CREATE OR REPLACE TRIGGER governance_is_kept
                    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON qa_latest_runs
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_is_kept();

                CREATE OR REPLACE TRIGGER governance_is_kept
                    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON qa_suite_turns
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_is_kept();
                """,
                "governance_keep_suite_turns": r"""
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
                                arrived_at, recorded
                            )
                            SELECT added.execution_id, added.task_id, added.qa_suite_location, added.qa_status = 'GREEN',
                                added.executed_at, coalesce(turn.turned_at, first.executed_at),
                                added.arrived_at, added.recorded
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
                """,
            },
        ),
    ]
