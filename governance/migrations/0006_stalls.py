import datetime

import django.contrib.postgres.functions
from django.db import migrations, models

import foreman_office.kit.sql
from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("governance", "0005_consequences"), ("builders", "0005_pauses")]

    operations = [
        migrations.CreateModel(
            name="Watcher",
            fields=[
                (
                    "watcher_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("host", models.TextField()),
                ("pid", models.IntegerField()),
                ("period", models.DurationField()),
                (
                    "started_at",
                    models.DateTimeField(db_default=foreman_office.kit.sql.ContractNow()),
                ),
                (
                    "swept_at",
                    models.DateTimeField(db_default=foreman_office.kit.sql.ContractNow()),
                ),
                ("pruned_at", models.DateTimeField(blank=True, null=True)),
                ("sweeps", models.BigIntegerField(db_default=0)),
                ("stalls", models.BigIntegerField(db_default=0)),
            ],
            options={
                "db_table": "watchers",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(period__gt=datetime.timedelta(0)),
                        name="watchers_period_check",
                    ),
                ],
            },
        ),
        RunSQLFile("governance", "0006_stalls"),
    ]
