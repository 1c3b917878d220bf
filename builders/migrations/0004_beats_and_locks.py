from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("builders", "0003_record_heartbeat"), ("programs", "0003_moves")]

    operations = [RunSQLFile("builders", "0004_beats_and_locks")]
