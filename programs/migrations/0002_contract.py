from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("programs", "0001_initial")]

    operations = [RunSQLFile("programs", "0002_contract")]
