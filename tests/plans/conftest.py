"""An office large enough that PostgreSQL plans as in the largest, in a database of its own."""

from http.cookies import SimpleCookie

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils.timezone import now

from bench.pages import logged_in
from foreman_office.generator.size import Size
from foreman_office.generator.writing import generate
from tests.database import drop, inside, make

SIZE = Size(programs=100, waves=500, tasks=30_000, heartbeats=60_000, evidence=60_000)


@pytest.fixture(scope="session")
def filled(django_db_setup, template, django_db_blocker):
    """Make the office once for all tests; nobody changes it for good."""
    name = f"{connection.settings_dict['NAME']}_plans"
    with django_db_blocker.unblock():
        make(name, template)
        with inside(name):
            generate(SIZE, seed=5, now=now())
            cookie = logged_in()
            with connection.cursor() as cursor:
                cursor.execute("VACUUM (ANALYZE)")
        yield name, cookie
        drop(name)


@pytest.fixture
def office(filled, django_db_blocker):
    """Be in the office, in a transaction that is taken back."""
    name, _ = filled
    with django_db_blocker.unblock(), inside(name), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def reader(office, filled):
    """Somebody who reads its pages."""
    client = Client()
    client.cookies = SimpleCookie(filled[1])
    return client
