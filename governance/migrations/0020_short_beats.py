from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0019_latest_runs"),
        ("builders", "0009_gathered_beats"),
    ]

    operations = [RunSQLFile("governance", "0020_short_beats")]
