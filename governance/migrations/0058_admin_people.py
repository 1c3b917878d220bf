"""Let the admin's group look at groups, and manage users (foreman_office/admin.py says how far)."""

from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import create_contenttypes
from django.db import migrations

PEOPLE = ("view_user", "add_user", "change_user", "view_group")


def give(apps, schema_editor):
    config = apps.get_app_config("auth")
    config.models_module = True  # else Django takes it for an app without models
    create_contenttypes(config, apps=apps, verbosity=0)
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    Permission = apps.get_model("auth", "Permission")
    people = Permission.objects.filter(content_type__app_label="auth", codename__in=PEOPLE)
    for group in apps.get_model("auth", "Group").objects.filter(name="admin"):
        group.permissions.add(*people)


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0057_evidence_came_to"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
