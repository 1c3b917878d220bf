from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("governance", "0013_refused_acts")]

    operations = [RunSQLFile("governance", "0014_quick_evidence")]
