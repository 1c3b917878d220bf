"""Programs that name an organisation already have what hangs on them follow."""

from django.db import migrations

from kit.core.row_security import WithoutPolicies

FOLLOW = """
    SELECT governance_carry_program(program_id, programs_office_itself(), organisation_id)
    FROM programs WHERE organisation_id IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0065_organisation_rules")]

    operations = [migrations.RunSQL(FOLLOW, migrations.RunSQL.noop), WithoutPolicies()]
