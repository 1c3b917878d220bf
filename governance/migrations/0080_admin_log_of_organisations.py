"""Lines of the admin's own log that belong to an organisation; NULL: the whole office's."""

from django.db import migrations

from kit.core.row_security import WithoutPolicies

COLUMN = """
    ALTER TABLE django_admin_log ADD COLUMN organisation_id uuid;
    ALTER TABLE django_admin_log ALTER COLUMN organisation_id
        SET DEFAULT nullif(current_setting('foreman.organisation', true), '')::uuid;
"""
UNDO = "ALTER TABLE django_admin_log DROP COLUMN organisation_id"


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0079_handover_of_organisations"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [migrations.RunSQL(COLUMN, UNDO), WithoutPolicies()]
