"""Every address of the admin with every role."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from governance.models import Evidence
from tests.admin.models_shown import FACTORIES
from tests.factories import TaskFactory, UserFactory
from tests.test_roles import ADMIN, all_roles, is_not_stored, people  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows():
    """A row of each model that the admin shows, by app and model."""
    made = [factory() for model, factory in FACTORIES.items() if model is not Evidence]
    made += [UserFactory(), Group.objects.get(name="viewer")]
    made.append(Evidence.objects.within(TaskFactory())[0])
    return {(row._meta.app_label, row._meta.model_name): row for row in made}


# Lists of one app and links back to the site say nothing that the other pages do not.
UNTRIED = {
    "admin:(?P<url>.*)$",
    "admin:<path:object_id>/",
    "admin:app_list",
    "admin:view_on_site",
}


# Of people and groups, what an admin who is no superuser may open.
PEOPLE = {
    *(f"admin:auth_user_{page}" for page in ("changelist", "add", "change", "history")),
    *(f"admin:auth_group_{page}" for page in ("changelist", "change", "history")),
}


def admin_addresses(rows):
    for name, pattern in ADMIN.items():
        app, _, rest = name.removeprefix("admin:").partition("_")
        model = rest.partition("_")[0]
        match [*pattern.pattern.converters]:
            case [] if name not in UNTRIED:
                yield name, app, reverse(name)
            case ["object_id"] if (app, model) in rows:
                yield name, app, reverse(name, args=[rows[app, model].pk])
            case ["id"]:
                yield name, app, reverse(name, args=[rows["auth", "user"].pk])


def test_every_address_of_the_admin_is_tried(rows):
    tried = {name for name, *_ in admin_addresses(rows)}
    assert ADMIN.keys() - tried == UNTRIED


def test_the_admin_is_for_admins_and_no_browser_stores_it(people, rows):  # noqa: F811
    wrong = []
    for name, app, address in admin_addresses(rows):
        if name in ("admin:login", "admin:logout"):
            continue
        answers = {role: client.get(address) for role, (client, _) in people.items()}
        answered = {role: answer.status_code for role, answer in answers.items()}
        allowed = answered["superuser"]
        expected = all_roles(403) | {
            "anonymous": 302,
            "superuser": allowed,
            "admin": 403 if app == "auth" and name not in PEOPLE else allowed,
        }
        if answered != expected or not all(map(is_not_stored, answers.values())):
            wrong.append((name, answered))
    assert wrong == []
