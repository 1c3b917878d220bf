"""To whom a row belongs. No model speaks of it: triggers fill it, and policies read it."""

from django.db import migrations

from kit.core.row_security import WithoutPolicies

# The office itself. The default is a constant, so no table is written anew.
ITSELF = "00000000-0000-0000-0000-000000000000"
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
        *(
            migrations.RunSQL(
                f"ALTER TABLE {table} ADD COLUMN organisation_id uuid DEFAULT '{ITSELF}'",
                f"ALTER TABLE {table} DROP COLUMN organisation_id",
            )
            for table in TABLES
        ),
        # Who writes the tests of a run says it, and a trigger where nobody does.
        migrations.RunSQL(
            "ALTER TABLE qa_test_results ALTER COLUMN organisation_id SET DEFAULT NULL",
            migrations.RunSQL.noop,
        ),
        # The function that fills it by ON CONFLICT depends on every column that it has found.
        migrations.RunSQL(
            "ALTER TABLE qa_latest_runs"
            f" ADD COLUMN IF NOT EXISTS organisation_id uuid DEFAULT '{ITSELF}'",
            migrations.RunSQL.noop,
        ),
        WithoutPolicies(),
    ]
