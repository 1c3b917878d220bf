"""Give the admin's group the permissions on what upgraded offices have and it has not.

A new office makes its models before the group, and an older one after it.
"""

from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import create_contenttypes
from django.db import migrations

SINCE = {
    "programs": ("plannote", "tasklink", "tasknote"),
    "builders": ("citoken", "builderpause", "officeabsence", "question"),
}


def give(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    group = Group.objects.filter(name="admin").first()
    for label, names in SINCE.items():
        config = apps.get_app_config(label)
        config.models_module = True  # else Django takes it for an app without models
        create_contenttypes(config, apps=apps, verbosity=0)
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
        if group:
            group.permissions.add(
                *Permission.objects.filter(
                    content_type__app_label=label, content_type__model__in=names
                )
            )


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0039_badges"),
        ("programs", "0016_pull"),
        ("builders", "0016_badges"),
    ]

    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
