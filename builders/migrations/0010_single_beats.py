from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("builders", "0009_gathered_beats")]

    operations = [RunSQLFile("builders", "0010_single_beats")]
