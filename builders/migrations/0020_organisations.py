"""To whom a row belongs. No model speaks of it: triggers fill it, and policies read it."""

from django.db import migrations

from kit.core.row_security import WithoutPolicies

# The office itself. The default is a constant, so no table is written anew.
ITSELF = "00000000-0000-0000-0000-000000000000"
TABLES = (
    "heartbeats",
    "heartbeat_minutes",
    "badge_keys",
    "task_questions",
    "agent_stops",
    "usage_hours",
)


class Migration(migrations.Migration):
    dependencies = [("builders", "0019_usage_arrivals")]

    operations = [
        *(
            migrations.RunSQL(
                f"ALTER TABLE {table} ADD COLUMN organisation_id uuid DEFAULT '{ITSELF}'",
                f"ALTER TABLE {table} DROP COLUMN organisation_id",
            )
            for table in TABLES
        ),
        WithoutPolicies(),
    ]
