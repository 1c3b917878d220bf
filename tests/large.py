"""An office large enough that PostgreSQL plans as in the largest, in a database of its own."""

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils.timezone import now

from bench.generator.size import Size
from bench.generator.writing import generate
from bench.pages import logged_in
from kit.core.acts import act
from kit.runtime.database_addresses import OWNER, acting_as
from programs.models import Program, Task
from tests import throwaway
from tests.database import administrator, drop, inside, leave, make

SIZE = Size(programs=100, waves=500, tasks=30_000, heartbeats=60_000, evidence=60_000)
SAMPLE = "foreman_office/plan_files/samples/maturion-wave-1.yaml"
# What people write: a sentence for a name, with a word in it that is wider than a phone.
LONG = " as agreed with everybody in escalation_ping_generator_capability_attestation_registry"


@pytest.fixture(scope="session")
def large(django_db_setup, template, django_db_blocker):
    """Make the office once for all tests, which never change it for good.

    Returns the name of its database, and the cookie of somebody who reads there.
    """
    name = "large" if settings.EMBEDDED else f"{connection.settings_dict['NAME']}_large"
    with django_db_blocker.unblock():
        if settings.EMBEDDED:
            mark = throwaway.once(name, lambda mark: mark.write_text(fill(name, template)))
            yield name, mark.read_text()
        else:
            yield name, fill(name, template)
            drop(name)


def fill(name: str, template: str) -> str:
    """Make the database of the office; return the cookie of a reader."""
    make(name, template)
    with inside(name):
        with acting_as(OWNER):
            generate(SIZE, seed=5, now=now())
        call_command("import_plan", SAMPLE, verbosity=0)
        lengthen(Task.objects.filter(state=Task.State.IN_PROGRESS)[0].wave.program)
        cookie = logged_in()
    administrator(name).execute("VACUUM (ANALYZE)")
    leave(name)
    return cookie


def lengthen(program):
    """Set long names on a program and all in it."""
    longer = Concat(F("name"), Value(LONG))
    with act(None, override="names as long as people make them"):
        Program.objects.filter(pk=program.pk).update(name=longer)
        program.waves.update(name=longer)
        Task.objects.filter(wave__program=program).update(name=longer)
