"""What the demo finds when it opens: the sample as history, and somebody who may look at it."""

from io import BytesIO
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.core.management.base import OutputWrapper

from foreman_office.kit.acts import Actor
from foreman_office.kit.roles import Role
from governance import plans
from programs.models import Program

SAMPLE_KEY = "program-maturion-wave-1"
RELEASE = Path(__file__).with_name("plan.yaml")
RELEASE_KEY = "program-island-line-{}"


def set_the_scene(stdout: OutputWrapper) -> None:
    """Import the sample, once: what a visitor changes of it stays changed."""
    if known(SAMPLE_KEY) is None:
        stdout.write("Importing the sample program ...")
        stdout.flush()
        with plans.SAMPLE.open("rb") as stream:
            plans.apply(plans.read(stream, plans.SAMPLE.name), by=None)


def visitor() -> User:
    """Return whom the demo's link lets in: the foreman, who may enter the admin too."""
    rights = {"is_staff": True, "password": make_password(None)}
    user, made = User.objects.get_or_create(username="foreman", defaults=rights)
    if made:
        user.groups.set(Group.objects.filter(name__in=[Role.FOREMAN, Role.ADMIN]))
    return user


def plan_release(number: int, *, by: Actor) -> Program:
    """Return the live program's release of this number, planned now if it was not before."""
    key = RELEASE_KEY.format(number)
    if known(key) is None:
        text = RELEASE.read_text().replace("$number", str(number))
        plans.apply(plans.read(BytesIO(text.encode()), RELEASE.name), by=by)
    return Program.objects.get(pk=plans.program_id(key))


def known(key: str) -> Program | None:
    return Program.objects.filter(pk=plans.program_id(key)).first()
