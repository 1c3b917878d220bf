from django.db import migrations, models

from foreman_office.kit.sql import Identity, RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_contract")]

    operations = [
        RunSQLFile(
            "governance",
            "0003_evidence",
            state_operations=[
                migrations.AddField(
                    "evidence",
                    "sequence",
                    models.BigIntegerField(db_default=Identity(), editable=False, unique=True),
                ),
                migrations.AddField(
                    "evidence", "witnessed", models.BooleanField(db_default=False, editable=False)
                ),
            ],
        )
    ]
