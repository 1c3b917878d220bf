"""An office large enough that PostgreSQL plans as in the largest, in a database of its own."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils.timezone import now

from bench.pages import logged_in
from foreman_office.generator.size import Size
from foreman_office.generator.writing import generate
from foreman_office.kit.acts import act
from programs.models import Program, Task
from tests.database import drop, inside, make

SIZE = Size(programs=100, waves=500, tasks=30_000, heartbeats=60_000, evidence=60_000)
SAMPLE = "governance/plans/samples/maturion-wave-1.yaml"
# What people write: a sentence for a name, with a word in it that is wider than a phone.
LONG = " as agreed with everybody in escalation_ping_generator_capability_attestation_registry"


@pytest.fixture(scope="session")
def large(django_db_setup, template, django_db_blocker):
    """Make the office once for all tests, which never change it for good.

    Returns the name of its database, and the cookie of somebody who reads there.
    """
    name = f"{connection.settings_dict['NAME']}_large"
    with django_db_blocker.unblock():
        make(name, template)
        with inside(name):
            generate(SIZE, seed=5, now=now())
            call_command("import_plan", SAMPLE, verbosity=0)
            lengthen(Task.objects.filter(state=Task.State.IN_PROGRESS)[0].wave.program)
            cookie = logged_in()
            with connection.cursor() as cursor:
                cursor.execute("VACUUM (ANALYZE)")
        yield name, cookie
        drop(name)


def lengthen(program):
    """Give a program and all in it long names."""
    longer = Concat(F("name"), Value(LONG))
    with act(None, override="names as long as people make them"):
        Program.objects.filter(pk=program.pk).update(name=longer)
        program.waves.update(name=longer)
        Task.objects.filter(wave__program=program).update(name=longer)
