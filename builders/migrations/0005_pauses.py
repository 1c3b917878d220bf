import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models

import foreman_office.kit.sql
from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("builders", "0004_beats_and_locks")]

    operations = [
        migrations.CreateModel(
            name="BuilderPause",
            fields=[
                (
                    "pause_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "builder",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pauses",
                        to="builders.builder",
                    ),
                ),
                ("reason", models.TextField()),
                (
                    "started_at",
                    models.DateTimeField(db_default=foreman_office.kit.sql.ContractNow()),
                ),
                ("ends_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "builder_pauses",
                "indexes": [
                    models.Index("builder", "ends_at", name="idx_builder_pauses_builder"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(reason__regex=r"\S"),
                        name="builder_pauses_reason_check",
                        violation_error_message="A pause needs a reason.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(ends_at__gt=models.F("started_at")),
                        name="builder_pauses_ends_at_check",
                        violation_error_message="A pause ends after it begins.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at", None),
                            ("ended_at__range", (models.F("started_at"), models.F("ends_at"))),
                            _connector="OR",
                        ),
                        name="builder_pauses_ended_at_check",
                        violation_error_message="A pause is over within its own time.",
                    ),
                    models.UniqueConstraint(
                        fields=["builder"],
                        condition=models.Q(ended_at=None),
                        name="builder_pauses_one_per_builder",
                        violation_error_message="The builder is paused already.",
                    ),
                ],
            },
        ),
        RunSQLFile(
            "builders",
            "0005_pauses",
            state_operations=[
                migrations.AddField(
                    "builder",
                    "state_since",
                    models.DateTimeField(
                        db_default=foreman_office.kit.sql.ContractNow(), editable=False
                    ),
                ),
                migrations.AddField(
                    "builder",
                    "assigned_at",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
            ],
        ),
    ]
