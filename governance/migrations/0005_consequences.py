from django.db import migrations, models

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("governance", "0004_gates")]

    operations = [
        RunSQLFile(
            "governance",
            "0005_consequences",
            state_operations=[
                migrations.AddField(
                    "blocker", "occurrences", models.IntegerField(db_default=1, editable=False)
                ),
            ],
        )
    ]
