"""What is for one alone is stored by no browser and no proxy.

All addresses are asked in tests/test_roles.py and tests/admin/test_roles.py.
"""

import pytest

from tests.factories import BuilderTokenFactory
from tests.test_roles import is_not_stored

pytestmark = pytest.mark.django_db


def test_refusals_and_what_does_not_exist_are_not_stored(client, person):
    token = BuilderTokenFactory()
    for answer in (
        person.get("/nowhere/"),
        person.get("/logout/"),
        person.put("/account/"),
        client.get("/api/assignment", headers={"Authorization": f"Bearer {token}"}),
        client.get("/api/nowhere"),
        client.get("/", headers={"host": "elsewhere.example"}),
    ):
        assert is_not_stored(answer), answer


def test_static_files_are_stored(client):
    answer = client.get("/static/css/tokens.css")
    assert answer.status_code == 200
    assert not is_not_stored(answer)
