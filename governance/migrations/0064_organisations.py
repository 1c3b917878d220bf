"""To whom a row belongs. No model speaks of it: triggers fill it, and policies read it."""

from django.db import migrations

from kit.core.row_security import AddOrganisation, WithoutPolicies

TABLES = (
    "blockers",
    "evidence_trail",
    "governance_violations",
    "architecture_validations",
    "qa_executions",
    "qa_test_results",
    "qa_paired_tests",
    "qa_suite_turns",
    "qa_thinned_runs",
    "known_tests",
    "completion_claims",
    "budgets",
    "entity_notes",
    "notices",
    "saved_views",
    "sent_forms",
)


class Migration(migrations.Migration):
    dependencies = [("governance", "0063_usage_told_twice")]

    operations = [
        *map(AddOrganisation, TABLES),
        # Who writes the tests of a run says it, and a trigger where nobody does.
        migrations.RunSQL(
            "ALTER TABLE qa_test_results ALTER COLUMN organisation_id SET DEFAULT NULL",
            migrations.RunSQL.noop,
        ),
        # The function that fills it by ON CONFLICT depends on every column that it has found.
        AddOrganisation("qa_latest_runs", again=True),
        WithoutPolicies(),
    ]
