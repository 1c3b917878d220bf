from django.db import migrations, models

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("programs", "0002_contract")]

    operations = [
        migrations.AddField(
            "task", "worked_at", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        RunSQLFile("programs", "0003_moves"),
    ]
