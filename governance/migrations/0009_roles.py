from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import create_contenttypes
from django.db import migrations

ROLES = ["foreman", "viewer", "admin", "builder"]
GOVERNED = ["programs", "builders", "governance"]


def make_roles(apps, schema_editor):
    """Make the four groups; the admin's has every permission on our own models.

    Django makes permissions after the last migration. They are made here a little earlier, because
    a group needs them now.
    """
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for label in GOVERNED:
        config = apps.get_app_config(label)
        config.models_module = True
        create_contenttypes(config, apps=apps, verbosity=0)
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
    groups = {name: Group.objects.get_or_create(name=name)[0] for name in ROLES}
    groups["admin"].permissions.add(
        *Permission.objects.filter(content_type__app_label__in=GOVERNED)
    )


def take_roles(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0008_claims"),
        ("builders", "0006_idempotency"),
        ("programs", "0003_moves"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(make_roles, take_roles)]
