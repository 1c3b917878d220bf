"""The models of notices, channels, rules and messages know their column of the organisation."""

from uuid import UUID

from django.db import migrations, models

import kit.core.sql
from kit.core.row_security import ITSELF


def known(model: str, default: object) -> migrations.AddField:
    field = models.UUIDField(db_default=default, editable=False, null=True)
    return migrations.AddField(model, "organisation_id", field)


class Migration(migrations.Migration):
    dependencies = [("governance", "0072_admin_organisations")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                known("notice", UUID(ITSELF)),
                *(
                    known(model, kit.core.sql.OrganisationInUse())
                    for model in ("channel", "notificationrule", "delivery")
                ),
            ]
        )
    ]
