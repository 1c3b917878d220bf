"""The demo's first state: the sample as history, and a visitor who may look at it."""

from io import StringIO

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import OutputWrapper

from foreman_office import plan_files
from kit.core.roles import Role
from programs.models import Program

SAMPLE_KEY = "program-maturion-wave-1"


def set_the_scene(stdout: OutputWrapper) -> None:
    """Import the sample, once: what a visitor changes of it stays changed."""
    if not Program.objects.filter(pk=plan_files.program_id(SAMPLE_KEY)).exists():
        stdout.write("Importing the sample program ...")
        stdout.flush()
        call_command("import_plan", plan_files.SAMPLE, stdout=StringIO())


def visitor() -> User:
    """Return the user of the demo's link: the foreman, who may open the admin too."""
    rights = {"is_staff": True, "password": make_password(None)}
    user, made = User.objects.get_or_create(username="foreman", defaults=rights)
    if made:
        user.groups.set(Group.objects.filter(name__in=[Role.FOREMAN, Role.ADMIN]))
    return user
