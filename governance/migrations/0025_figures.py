from django.db import migrations, models

from foreman_office.kit.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False  # nobody waits while an index is made

    dependencies = [("governance", "0024_kept_runs")]

    operations = [
        AddIndexConcurrently(
            model_name="qaexecution",
            index=models.Index(
                fields=["-executed_at", "-execution_id"],
                include=["qa_status", "passing_tests", "total_tests"],
                name="idx_qa_executions_figures",
            ),
        ),
        AddIndexConcurrently(
            model_name="architecturevalidation",
            index=models.Index(
                fields=["-validated_at", "-validation_id"],
                include=["build_readiness"],
                name="idx_arch_validations_ready",
            ),
        ),
    ]
