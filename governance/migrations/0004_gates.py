from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0003_evidence"),
        ("programs", "0003_moves"),
        ("builders", "0004_beats_and_locks"),
    ]

    operations = [RunSQLFile("governance", "0004_gates")]
