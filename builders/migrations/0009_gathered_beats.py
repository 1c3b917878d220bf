from django.db import migrations

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("builders", "0008_never_heard")]

    operations = [RunSQLFile("builders", "0009_gathered_beats")]
