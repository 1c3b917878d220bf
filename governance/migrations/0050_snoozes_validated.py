"""Check what is there by the constraints of snoozes: no row of an older release has any."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0049_snoozes"),
    ]

    operations = [
        ValidateConstraint(model_name="notice", name="notices_snoozed_check"),
        ValidateConstraint(model_name="notice", name="notices_assigned_check"),
    ]
