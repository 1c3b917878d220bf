"""What a role is shown on pages: no button that is not for it, and a way out."""

import pytest
from django.urls import reverse

from tests.factories import (
    BlockerFactory,
    GovernanceViolationFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def test_one_who_reads_sees_no_button(client):
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    BlockerFactory(entity=task)
    GovernanceViolationFactory(task=task)
    pages = [
        reverse("inbox"),
        task.get_absolute_url(),
        task.wave.get_absolute_url(),
        task.wave.program.get_absolute_url(),
        reverse("governance:why", args=["task", task.pk]),
        reverse("builders:builder_list"),
        reverse("builders:builder", args=["ui-builder"]),
    ]
    for role, seen in (("viewer", False), ("foreman", True)):
        client.force_login(UserFactory(roles=[role]))
        for page in pages:
            assert ('class="offer"' in client.get(page).text) is seen, page


def test_one_without_a_role_is_told_so_and_can_leave(client):
    client.force_login(UserFactory(roles=[]))
    page = client.get("/")
    assert page.status_code == 403
    assert reverse("logout") in page.text
