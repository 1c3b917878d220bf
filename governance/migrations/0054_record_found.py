"""Beside those at work: the indexes by which a search finds what the record says."""

from django.db import migrations, models

from kit.core.sql import AddIndexConcurrently, Grams, GramsIndex, Lines

EVIDENCE_TEXT = models.Func(
    "context", function="governance_evidence_text", output_field=models.TextField()
)
SAYS = models.Func(
    "context", function="governance_evidence_says", output_field=models.BooleanField()
)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("governance", "0053_evidence_text"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="blocker",
            index=GramsIndex(
                Grams(Lines("description", "resolution_action")), name="idx_blockers_grams"
            ),
        ),
        AddIndexConcurrently(
            model_name="governanceviolation",
            index=GramsIndex(
                Grams(Lines("violation_type", "description", "resolution")),
                name="idx_violations_grams",
            ),
        ),
        AddIndexConcurrently(
            model_name="evidence",
            index=GramsIndex(
                Grams(EVIDENCE_TEXT), name="idx_evidence_grams", condition=models.Q(SAYS)
            ),
        ),
    ]
