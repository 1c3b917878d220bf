from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("builders", "0007_indexes"),
        ("governance", "0010_indexes"),
        ("programs", "0004_indexes"),
    ]

    operations = [RunSQLFile("governance", "0011_announce")]
