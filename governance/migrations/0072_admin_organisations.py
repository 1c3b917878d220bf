"""Let the admin's group manage organisations and members (foreman_office/admin.py says how far)."""

from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import create_contenttypes
from django.db import migrations

MODELS = {"programs": "organisation", "governance": "organisationmember"}


def give(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    group = apps.get_model("auth", "Group").objects.filter(name="admin").first()
    for label, name in MODELS.items():
        config = apps.get_app_config(label)
        config.models_module = True  # else Django takes it for an app without models
        create_contenttypes(config, apps=apps, verbosity=0)
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
        if group:
            group.permissions.add(
                *Permission.objects.filter(content_type__app_label=label, content_type__model=name)
            )


class Migration(migrations.Migration):
    dependencies = [("governance", "0071_token_organisations")]

    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
