import django.db.models.deletion
from django.db import migrations, models

from foreman_office.kit.sql import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0021_evidence_by_kind"),
        ("programs", "0005_tallies"),
    ]

    operations = [
        migrations.CreateModel(
            name="LatestRun",
            fields=[
                (
                    "execution",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="governance.qaexecution",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="latest_runs",
                        to="programs.task",
                    ),
                ),
                ("qa_suite_location", models.TextField()),
                ("executed_at", models.DateTimeField()),
                (
                    "qa_status",
                    models.TextField(
                        choices=[("RED", "Red"), ("PARTIAL", "Partial"), ("GREEN", "Green")]
                    ),
                ),
                ("total_tests", models.IntegerField()),
                ("passing_tests", models.IntegerField()),
                ("failing_tests", models.IntegerField()),
                ("skipped_tests", models.IntegerField()),
                ("test_debt_count", models.IntegerField()),
            ],
            options={
                "db_table": "qa_latest_runs",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("task", "qa_suite_location"),
                        name="qa_latest_runs_task_id_qa_suite_location_key",
                    ),
                ],
                "indexes": [
                    models.Index(
                        fields=["executed_at"],
                        include=(
                            "qa_status",
                            "total_tests",
                            "passing_tests",
                            "failing_tests",
                            "skipped_tests",
                            "test_debt_count",
                        ),
                        name="idx_qa_latest_runs_figures",
                    ),
                    models.Index(
                        condition=models.Q(("qa_status", "GREEN"), _negated=True),
                        fields=["qa_status", "executed_at"],
                        name="idx_qa_latest_runs_not_green",
                    ),
                    models.Index(
                        condition=models.Q(("test_debt_count__gt", 0)),
                        fields=["test_debt_count", "executed_at"],
                        name="idx_qa_latest_runs_debt",
                    ),
                ],
            },
        ),
        RunSQLFile("governance", "0024_kept_runs"),
    ]
