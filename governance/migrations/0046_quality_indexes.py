"""Beside those at work: indexes for what the page of quality tells."""

from django.db import migrations, models

from kit.core.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("governance", "0045_suite_index")]

    operations = [
        AddIndexConcurrently(
            "completionclaim",
            models.Index(
                models.OrderBy(models.F("claimed_at"), descending=True),
                name="idx_claims_refused",
                condition=models.Q(accepted=False),
            ),
        ),
        AddIndexConcurrently(
            "latestrun",
            models.Index(
                fields=["-failing_tests", "-executed_at"],
                name="idx_qa_latest_runs_worst",
                condition=~models.Q(qa_status="GREEN"),
            ),
        ),
        AddIndexConcurrently(
            "qatestresult",
            models.Index(
                "execution",
                name="idx_qa_test_results_failed",
                condition=models.Q(outcome="failed"),
            ),
        ),
    ]
