"""To whom a row belongs. No model speaks of it: triggers fill it, and policies read it."""

from django.db import migrations

from kit.core.row_security import AddOrganisation, WithoutPolicies

TABLES = (
    "waves",
    "tasks",
    "plan_notes",
    "plan_texts",
    "task_links",
    "task_notes",
    "import_turns",
    "staged_imports",
)


class Migration(migrations.Migration):
    dependencies = [("programs", "0023_ordered_ids")]

    operations = [
        *map(AddOrganisation, TABLES),
        WithoutPolicies(),
    ]
