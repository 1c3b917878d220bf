from django.db import migrations, models

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("governance", "0026_departures")]

    operations = [
        RunSQLFile("governance", "0027_violations"),
        # Names alone: nothing of them is in the database.
        migrations.AlterModelOptions("qaexecution", {"verbose_name": "QA execution"}),
        migrations.AlterModelOptions("qatestresult", {"verbose_name": "QA test result"}),
        migrations.AlterField(
            "qaexecution",
            "execution_time_ms",
            models.IntegerField(blank=True, null=True, verbose_name="execution time (ms)"),
        ),
        migrations.AlterField(
            "qaexecution",
            "qa_status",
            models.TextField(
                choices=[("RED", "Red"), ("PARTIAL", "Partial"), ("GREEN", "Green")],
                verbose_name="QA status",
            ),
        ),
        migrations.AlterField(
            "qaexecution",
            "qa_suite_location",
            models.TextField(verbose_name="QA suite location"),
        ),
    ]
