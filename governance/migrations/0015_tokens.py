from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("builders", "0007_indexes"),
        ("governance", "0014_quick_evidence"),
    ]

    operations = [RunSQLFile("governance", "0015_tokens")]
