from django.db import migrations, models

import foreman_office.kit.sql


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0011_announce"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefusedAct",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "rule",
                        "actor",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("rule", models.TextField()),
                ("actor", models.TextField()),
                ("occurrences", models.BigIntegerField(db_default=1)),
                (
                    "first_at",
                    models.DateTimeField(db_default=foreman_office.kit.sql.ContractNow()),
                ),
                ("last_at", models.DateTimeField(db_default=foreman_office.kit.sql.ContractNow())),
            ],
            options={"db_table": "refused_acts"},
        ),
    ]
