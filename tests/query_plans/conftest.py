"""The large office, and a viewer of its pages."""

from http.cookies import SimpleCookie

import pytest
from django.db import transaction
from django.test import Client

from tests.database import inside


@pytest.fixture
def office(large, django_db_blocker):
    """Connect to the office, in a transaction that is rolled back."""
    name, _ = large
    with django_db_blocker.unblock(), inside(name), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def reader(office, large):
    """A viewer of its pages."""
    client = Client()
    client.cookies = SimpleCookie(large[1])
    return client
