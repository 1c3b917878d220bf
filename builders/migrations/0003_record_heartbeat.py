from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("builders", "0002_contract")]

    operations = [RunSQLFile("builders", "0003_record_heartbeat")]
