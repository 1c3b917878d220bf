"""People are managed for a reason, and by nobody above what they are themselves."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from governance.models import OfficeLogEntry
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
User = get_user_model()
WHY = "She is on call from Monday."


@pytest.fixture
def admin(client):
    """An admin of the group: no superuser."""
    person = UserFactory(username="ada", is_staff=True, roles=["admin"])
    client.force_login(person)
    return person


def page_of(user, page="change"):
    return reverse(f"admin:auth_user_{page}", args=[user.pk])


def groups(*names):
    return [group.pk for group in Group.objects.filter(name__in=names)]


def saved(client, user, **values):
    form = {"username": user.username, "is_active": "on", "reason": WHY}
    return client.post(page_of(user), form | values)


def test_an_admin_adds_a_person_and_gives_a_role(client, admin):
    password = "a long and unusual password"
    form = {"username": "eve", "usable_password": "true", "reason": WHY}
    answer = client.post(
        reverse("admin:auth_user_add"), form | {"password1": password, "password2": password}
    )
    eve = User.objects.get(username="eve")
    assert (answer.status_code, answer.url) == (302, page_of(eve))
    assert saved(client, eve, groups=groups("foreman")).status_code == 302
    assert [group.name for group in eve.groups.all()] == ["foreman"]
    told = OfficeLogEntry.objects.filter(subject_name="eve", witnessed=True)
    assert {entry.action for entry in told} >= {"user_created", "membership_created"}
    assert {(entry.username, entry.context["reason"]) for entry in told} == {("ada", WHY)}


def test_without_a_reason_nobody_is_added_or_changed(client, admin):
    eve = UserFactory(username="eve")
    before = OfficeLogEntry.objects.count()
    for reason in ("", "  "):
        password = "a long and unusual password"
        form = {"username": "adam", "usable_password": "true", "reason": reason}
        form |= {"password1": password, "password2": password}
        answer = client.post(reverse("admin:auth_user_add"), form)
        assert answer.context["adminform"].form.errors["reason"]
        assert not User.objects.filter(username="adam").exists()
        answer = saved(client, eve, username="eva", reason=reason)
        assert answer.status_code == 200
        assert answer.context["adminform"].form.errors["reason"]
    eve.refresh_from_db()
    assert eve.username == "eve"
    assert OfficeLogEntry.objects.count() == before


def test_nobody_gives_what_only_a_superuser_gives(client, admin):
    eve = UserFactory(username="eve")
    every = list(Permission.objects.values_list("pk", flat=True))
    answer = saved(client, eve, is_superuser="on", user_permissions=every, groups=groups("viewer"))
    assert answer.status_code == 302
    eve.refresh_from_db()
    assert not eve.is_superuser
    assert not eve.user_permissions.exists()


def test_nobody_changes_their_own_rights(client, admin):
    answer = saved(client, admin, is_superuser="on", groups=groups("admin", "foreman"))
    assert answer.status_code == 302
    admin.refresh_from_db()
    assert (admin.is_superuser, admin.is_staff) == (False, True)
    assert [group.name for group in admin.groups.all()] == ["admin"]


def test_a_group_with_more_rights_is_not_given(client, admin):
    beyond = Group.objects.create(name="owners")
    beyond.permissions.add(Permission.objects.get(codename="delete_user"))
    eve = UserFactory(username="eve", roles=[])
    answer = saved(client, eve, groups=[beyond.pk])
    assert answer.status_code == 200
    assert "groups" in answer.context["adminform"].form.errors
    assert not eve.groups.exists()


def test_who_has_more_rights_is_looked_at_alone(client, admin):
    root = UserFactory(username="root", is_superuser=True)
    asleep = UserFactory(username="asleep", is_superuser=True, is_active=False)
    owner = UserFactory(username="owner")
    owner.user_permissions.add(Permission.objects.get(codename="delete_user"))
    for person in (root, asleep, owner):
        assert client.get(page_of(person)).status_code == 200
        assert saved(client, person, username="mine").status_code == 403
    assert not User.objects.filter(username="mine").exists()


def test_passwords_and_deletion_are_for_superusers(client, admin):
    eve = UserFactory(username="eve")
    form = {"password1": "another long password", "password2": "another long password"}
    for page in ("password_change", "delete"):
        assert client.get(page_of(eve, page)).status_code == 403
        assert client.post(page_of(eve, page), form | {"post": "yes"}).status_code == 403
    eve.refresh_from_db()
    assert eve.check_password("a password")
    assert "../password/" not in client.get(page_of(eve)).text


def test_groups_are_looked_at_and_not_changed(client, admin):
    group = Group.objects.get(name="admin")
    address = reverse("admin:auth_group_change", args=[group.pk])
    assert client.get(address).status_code == 200
    every = list(Permission.objects.values_list("pk", flat=True))
    held = group.permissions.count()
    assert client.post(address, {"name": "admin", "permissions": every}).status_code == 403
    assert group.permissions.count() == held
    assert client.post(reverse("admin:auth_group_add"), {"name": "x"}).status_code == 403


def test_a_foreman_manages_nobody(client):
    client.force_login(UserFactory(is_staff=True))
    assert client.get(reverse("admin:auth_user_changelist")).status_code == 403
