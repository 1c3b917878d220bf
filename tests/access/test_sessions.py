"""A session is taken over by nobody who can read the database; one's others can be ended."""

import re

import pytest
from django.db import connection
from django.test import Client

from foreman_office.access.sessions import SessionStore
from governance.models import OfficeSession
from governance.watch import prune_logins
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def logged_in(user):
    client = Client()
    client.force_login(user)
    return client


def is_in(client):
    return client.get("/account/").status_code == 200


def everything_stored(sql):
    """Return every row of every table, as a dump has them."""
    tables = connection.introspection.table_names()
    return "\n".join(
        text for table in tables for (text,) in sql(f'SELECT t::text FROM "{table}" t')
    )


def test_nothing_in_a_dump_is_a_session_that_can_be_sent(client, sql):
    client.force_login(UserFactory(username="ada"))
    key = client.cookies["sessionid"].value
    assert is_in(client)

    dump = everything_stored(sql)
    assert "ada" in dump
    assert key not in dump
    for word in {*re.findall(r"[\w-]{32,}", dump)}:
        thief = Client()
        thief.cookies["sessionid"] = word
        assert not is_in(thief)


def test_a_session_is_found_by_its_key_alone(client):
    client.force_login(UserFactory())
    key = client.cookies["sessionid"].value
    row = OfficeSession.objects.get()
    assert SessionStore().exists(key)
    assert not SessionStore().exists(row.pk)
    assert SessionStore(row.pk).load() == {}
    assert SessionStore(key).load() == row.get_decoded()
    SessionStore(row.pk).delete()
    assert is_in(client)
    SessionStore().delete(key)
    assert not is_in(client)


def test_a_login_gets_a_new_key(client):
    user = UserFactory(password="right")
    client.cookies["sessionid"] = "chosen"
    client.post("/login/", {"username": user.username, "password": "right"})
    assert client.cookies["sessionid"].value != "chosen"
    assert is_in(client)


def test_sessions_that_expired_are_removed(client, sql):
    client.force_login(UserFactory())
    sql("UPDATE office_sessions SET expire_date = now() - interval '1 second'")
    assert not is_in(client)
    prune_logins()
    assert not OfficeSession.objects.exists()


def test_a_session_ends_with_its_user(client):
    user = UserFactory()
    client.force_login(user)
    user.delete()
    assert not OfficeSession.objects.exists()


# --- the page of one's own account ----------------------------------------------------------------


@pytest.mark.parametrize("roles", [[], ["viewer"], ["foreman"], ["admin"]])
def test_everybody_can_end_their_other_sessions(roles):
    user, other = UserFactory(roles=roles), UserFactory()
    here, there, elsewhere = logged_in(user), logged_in(user), logged_in(other)
    assert "with 1 other session." in here.get("/account/").text
    here.post("/account/sessions/end/")
    assert is_in(here)
    assert not is_in(there)
    assert is_in(elsewhere)


@pytest.mark.parametrize("roles", [[], ["viewer"], ["foreman"], ["admin"]])
def test_everybody_can_change_their_password(roles):
    user = UserFactory(roles=roles, password="the old one")
    here, there = logged_in(user), logged_in(user)
    new = "correct-horse-7"
    form = {"old_password": "the old one", "new_password1": new, "new_password2": new}
    assert here.post("/account/", form | {"old_password": "another"}).status_code == 422
    assert here.post("/account/", form | {"new_password2": "7-horse"}).status_code == 422
    assert here.post("/account/", form).url == "/account/"
    assert is_in(here)
    assert not is_in(there)
    assert not OfficeSession.objects.exclude(user=user).exists()
    assert OfficeSession.objects.count() == 1
    user.refresh_from_db()
    assert user.check_password(new)


def test_a_weak_password_is_refused(client):
    client.force_login(UserFactory(password="the old one"))
    form = {"old_password": "the old one", "new_password1": "12345", "new_password2": "12345"}
    answer = client.post("/account/", form)
    assert answer.status_code == 422
    assert "too short" in answer.text


def test_one_without_a_password_is_told_so(client):
    client.force_login(UserFactory(password=None))
    page = client.get("/account/").text
    assert "has no password" in page
    assert "new_password1" not in page


def test_the_menu_leads_to_the_account(person):
    assert 'href="/account/"' in person.get("/").text


# --- the admin ------------------------------------------------------------------------------------


def test_who_is_no_admin_is_told_so_by_the_admin(person):
    for path in ("/admin/", "/admin/login/", "/admin/programs/program/"):
        answer = person.get(path)
        assert answer.status_code == 403
        assert "You are not allowed" in answer.text
        assert 'name="password"' not in answer.text


def test_who_is_an_admin_gets_there_by_way_of_the_login(client):
    UserFactory(username="root", password="right", is_staff=True, is_superuser=True)
    page = client.get("/admin/programs/program/", follow=True)
    [*_, (login, _)] = page.redirect_chain
    assert login == "/login/?next=/admin/programs/program/"
    answer = client.post(login, {"username": "root", "password": "right"})
    assert client.get(answer.url).status_code == 200
    assert client.get("/admin/password_change/").url == "/account/"
