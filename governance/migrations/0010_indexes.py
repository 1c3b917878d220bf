from django.db import migrations, models

from foreman_office.kit.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False  # nobody waits while an index is made

    dependencies = [
        ("builders", "0007_indexes"),
        ("governance", "0009_roles"),
        ("programs", "0004_indexes"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="architecturevalidation",
            index=models.Index(
                models.OrderBy(models.F("validated_at"), descending=True),
                models.OrderBy(models.F("validation_id"), descending=True),
                name="idx_arch_validations_newest",
            ),
        ),
        AddIndexConcurrently(
            model_name="blocker",
            index=models.Index(
                models.OrderBy(models.F("detected_at"), descending=True),
                models.OrderBy(models.F("blocker_id"), descending=True),
                name="idx_blockers_detected",
            ),
        ),
        AddIndexConcurrently(
            model_name="blocker",
            index=models.Index(
                models.OrderBy(models.F("resolved_at"), descending=True),
                models.OrderBy(models.F("blocker_id"), descending=True),
                condition=models.Q(("resolved_at__isnull", False)),
                name="idx_blockers_resolved",
            ),
        ),
        AddIndexConcurrently(
            model_name="evidence",
            index=models.Index(
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                name="idx_evidence_newest",
            ),
        ),
        AddIndexConcurrently(
            model_name="evidence",
            index=models.Index(
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                condition=models.Q(("context__has_key", "import"), _negated=True),
                name="idx_evidence_happened",
            ),
        ),
        AddIndexConcurrently(
            model_name="evidence",
            index=models.Index(
                models.F("actor"),
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                name="idx_evidence_actor",
            ),
        ),
        AddIndexConcurrently(
            model_name="evidence",
            index=models.Index(
                models.F("action"),
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                name="idx_evidence_action",
            ),
        ),
        AddIndexConcurrently(
            model_name="governanceviolation",
            index=models.Index(
                models.OrderBy(models.F("detected_at"), descending=True),
                models.OrderBy(models.F("violation_id"), descending=True),
                name="idx_violations_detected",
            ),
        ),
        AddIndexConcurrently(
            model_name="governanceviolation",
            index=models.Index(
                models.OrderBy(models.F("resolved_at"), descending=True),
                models.OrderBy(models.F("violation_id"), descending=True),
                condition=models.Q(("resolved_at__isnull", False)),
                name="idx_violations_resolved",
            ),
        ),
        AddIndexConcurrently(
            model_name="qaexecution",
            index=models.Index(
                models.OrderBy(models.F("executed_at"), descending=True),
                models.OrderBy(models.F("execution_id"), descending=True),
                name="idx_qa_executions_newest",
            ),
        ),
        AddIndexConcurrently(
            model_name="qaexecution",
            index=models.Index(
                models.OrderBy(models.F("executed_at"), descending=True),
                models.OrderBy(models.F("execution_id"), descending=True),
                condition=models.Q(("test_debt_count__gt", 0)),
                name="idx_qa_executions_debt",
            ),
        ),
        AddIndexConcurrently(
            model_name="qatestresult",
            index=models.Index(
                models.F("execution"),
                condition=models.Q(("flaky", True)),
                name="idx_qa_test_results_flaky",
            ),
        ),
    ]
