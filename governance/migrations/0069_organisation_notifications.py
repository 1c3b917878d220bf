"""Channels, rules, messages and lines of the office log that belong to an organisation.

NULL: the whole office's. What is written while a member is served belongs to the member's.
"""

from django.db import migrations

from kit.core.row_security import WithoutPolicies

TABLES = ("notification_channels", "notification_rules", "deliveries", "office_log")
COLUMN = """
    ALTER TABLE {table} ADD COLUMN organisation_id uuid;
    ALTER TABLE {table} ALTER COLUMN organisation_id
        SET DEFAULT nullif(current_setting('foreman.organisation', true), '')::uuid;
"""
UNDO = "ALTER TABLE {table} DROP COLUMN organisation_id"


class Migration(migrations.Migration):
    dependencies = [("governance", "0068_organisations_logged")]

    operations = [
        *(
            migrations.RunSQL(COLUMN.format(table=table), UNDO.format(table=table))
            for table in TABLES
        ),
        WithoutPolicies(),
    ]
