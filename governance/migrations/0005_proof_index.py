"""Beside those at work: an index on runs by their arrival, and that old rows keep to the rules."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

from kit.core.sql import AddIndexConcurrently

VALIDATE = "ALTER TABLE qa_paired_tests VALIDATE CONSTRAINT qa_paired_tests_execution_id_fkey"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("governance", "0004_proof_moments")]

    operations = [
        AddIndexConcurrently(
            "qaexecution",
            models.Index(
                fields=["task", "qa_suite_location", "-arrived_at", "-recorded"],
                name="idx_qa_executions_arrived",
            ),
        ),
        ValidateConstraint("qaexecution", "qa_executions_status_follows_run"),
        ValidateConstraint("qaexecution", "qa_executions_never_tests_check"),
        migrations.RunSQL(VALIDATE, migrations.RunSQL.noop),
    ]
