from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_initial"), ("builders", "0002_contract")]

    operations = [RunSQLFile("governance", "0002_contract")]
