"""What is reported of an hour after it was over, by the hour in which it came."""

import django.db.models.deletion
import kit.core.rules
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("builders", "0018_heartbeat_minutes"),
        ("programs", "0023_ordered_ids"),
    ]

    operations = [
        migrations.CreateModel(
            name="UsageArrival",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "usage_hour",
                        "received_hour",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("received_hour", models.DateTimeField()),
                ("amount", models.DecimalField(decimal_places=12, max_digits=30)),
                ("estimate", models.DecimalField(decimal_places=12, max_digits=30)),
                (
                    "usage_hour",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="builders.usagehour",
                    ),
                ),
            ],
            options={
                "db_table": "usage_arrivals",
                "indexes": [
                    models.Index(models.F("received_hour"), name="idx_usage_arrivals_received")
                ],
            },
        ),
        kit.core.rules.ChangeRules(
            before={
                "builders_add_usage": r"""
                CREATE OR REPLACE FUNCTION builders_add_usage(
                    session_id bigint, builder text, task uuid, model text, kind text, source integer,
                    hour timestamptz, amount numeric, price numeric
                )
                RETURNS void LANGUAGE sql
                BEGIN ATOMIC
                    INSERT INTO usage_hours AS known (
                        usage_session_id, builder_id, task_id, model, kind, source, hour, amount, estimate, unpriced
                    )
                    SELECT session_id, builder, task, model, kind, source, hour, amount,
                        CASE kind WHEN 'cost' THEN 0 ELSE round(coalesce(amount * price, 0), 12) END,
                        CASE WHEN kind <> 'cost' AND price IS NULL THEN amount ELSE 0 END
                    WHERE amount <> 0
                    ON CONFLICT (usage_session_id, task_id, model, kind, source, hour) DO UPDATE
                    SET amount = known.amount + excluded.amount,
                        estimate = known.estimate + excluded.estimate,
                        unpriced = known.unpriced + excluded.unpriced;
                END;
                """,
            },
            after={
                "builders_add_usage": r"""
                CREATE OR REPLACE FUNCTION builders_add_usage(
                    session_id bigint, builder text, task uuid, model text, kind text, source integer,
                    hour timestamptz, amount numeric, price numeric
                )
                RETURNS void LANGUAGE sql
                BEGIN ATOMIC
                    INSERT INTO usage_hours AS known (
                        usage_session_id, builder_id, task_id, model, kind, source, hour, amount, estimate, unpriced
                    )
                    SELECT session_id, builder, task, model, kind, source, hour, amount,
                        CASE kind WHEN 'cost' THEN 0 ELSE round(coalesce(amount * price, 0), 12) END,
                        CASE WHEN kind <> 'cost' AND price IS NULL THEN amount ELSE 0 END
                    WHERE amount <> 0
                    ON CONFLICT (usage_session_id, task_id, model, kind, source, hour) DO UPDATE
                    SET amount = known.amount + excluded.amount,
                        estimate = known.estimate + excluded.estimate,
                        unpriced = known.unpriced + excluded.unpriced;

                    INSERT INTO usage_arrivals AS known (usage_hour_id, received_hour, amount, estimate)
                    SELECT usage_hour_id, date_trunc('hour', now(), 'UTC'), builders_add_usage.amount,
                        CASE builders_add_usage.kind WHEN 'cost' THEN 0
                            ELSE round(coalesce(builders_add_usage.amount * price, 0), 12) END
                    FROM usage_hours AS used
                    WHERE builders_add_usage.amount <> 0
                        AND builders_add_usage.hour < date_trunc('hour', now(), 'UTC')
                        AND usage_session_id = session_id
                        AND task_id IS NOT DISTINCT FROM task
                        AND (used.model, used.kind, used.source, used.hour) = (
                            builders_add_usage.model, builders_add_usage.kind, builders_add_usage.source,
                            builders_add_usage.hour)
                    ON CONFLICT (usage_hour_id, received_hour) DO UPDATE
                    SET amount = known.amount + excluded.amount, estimate = known.estimate + excluded.estimate;
                END;
                """,
            },
        ),
    ]
