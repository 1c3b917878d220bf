"""The page of the office log: for those who decide and admins, filtered and exported."""

import json

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from foreman_office.access.security_log import note
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PAGE = "governance:office_log"


def person_with(client, role):
    user = UserFactory(username="reader")
    user.groups.set([Group.objects.get(name=role)] if role else [])
    client.force_login(user)
    return user


@pytest.mark.parametrize(
    ("role", "status"), [("foreman", 200), ("admin", 200), ("viewer", 403), ("builder", 403)]
)
def test_those_who_decide_and_admins_may_read_it(client, role, status):
    person_with(client, role)
    assert client.get(reverse(PAGE)).status_code == status
    linked = reverse(PAGE) in client.get(reverse("governance:evidence_list")).content.decode()
    assert linked == (status == 200)


def test_it_tells_what_happened_of_whom_by_whom(client):
    person_with(client, "foreman")
    note("login failed", "eve", reason="wrong code")
    page = client.get(reverse(PAGE)).content.decode()
    for words in ("Login failed", "eve", "reason: wrong code", "a command", "Membership created"):
        assert words in page


def test_it_is_filtered_and_exported(client):
    person_with(client, "foreman")
    note("login failed", "eve")
    query = {"action": "login_failed", "subject": "eve", "export": "ndjson"}
    answer = client.get(reverse(PAGE), query)
    [row] = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert (row["action"], row["subject_name"], row["witnessed"]) == ("login_failed", "eve", False)
