from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("governance", "0025_figures")]

    operations = [RunSQLFile("governance", "0026_departures")]
