"""To whom a row belongs. No model speaks of it: triggers fill it, and policies read it."""

from django.db import migrations

from kit.core.row_security import AddOrganisation, WithoutPolicies

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
        *map(AddOrganisation, TABLES),
        WithoutPolicies(),
    ]
