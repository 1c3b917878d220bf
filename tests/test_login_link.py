from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from foreman_office import login_link
from foreman_office.login_link import make_login_link
from tests.factories import UserFactory


@pytest.fixture
def user(db):
    return UserFactory(username="foreman", password=None)


@pytest.fixture
def link(user):
    return make_login_link(user)


def test_a_link_logs_its_user_in_at_the_press_of_a_button(client, user, link):
    assert "Log in" in client.get(link).content.decode()
    assert client.post(link).url == "/"
    assert client.session["_auth_user_id"] == str(user.pk)


def test_looking_at_a_link_does_not_use_it_up(client, user, link):
    for _ in range(3):
        assert client.get(link).status_code == 200
        assert client.head(link).status_code == 200
    assert "_auth_user_id" not in client.session
    user.refresh_from_db()
    assert user.last_login is None
    assert Client().post(link).status_code == 302


def test_a_link_works_once(client, user, link):
    client.post(link)
    stranger = Client()
    for ask in (stranger.get, stranger.post):
        answer = ask(link)
        assert answer.status_code == 410
        assert "<form" not in answer.content.decode()
    assert "_auth_user_id" not in stranger.session


def test_a_link_works_once_when_it_is_pressed_at_once_by_many(transactional_db):
    link = make_login_link(UserFactory())

    def press(_):
        try:
            return Client().post(link).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as many:
        assert sorted(many.map(press, range(5))) == [302, 410, 410, 410, 410]


def test_any_login_uses_up_the_links_made_before_it(client, user, link):
    other = make_login_link(user)
    client.post(link)
    assert Client().post(other).status_code == 410
    user.refresh_from_db()
    assert Client().post(make_login_link(user)).status_code == 302


def test_an_old_link_lets_nobody_in(client, link, monkeypatch):
    monkeypatch.setattr(login_link, "LIFETIME", timedelta(seconds=-1))
    assert client.post(link).status_code == 410


def test_a_forged_link_lets_nobody_in(client, user, link):
    assert client.post(link[:-2] + "x/").status_code == 410


def test_a_link_does_not_let_in_who_may_not_log_in(client, user, link):
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert client.post(link).status_code == 410


def test_a_link_needs_the_page_that_it_opened(user, link):
    assert Client(enforce_csrf_checks=True).post(link).status_code == 403


def test_the_command_prints_a_link_for_a_user(client, user):
    printed = StringIO()
    call_command("login_link", "foreman", office="http://testserver/", stdout=printed)
    link = printed.getvalue().strip()
    assert link.startswith("http://testserver/login/once/")
    client.post(link.removeprefix("http://testserver"))
    user.refresh_from_db()
    assert user.last_login <= now()


def test_the_command_makes_no_link_for_a_stranger(db):
    with pytest.raises(CommandError, match="nobody"):
        call_command("login_link", "nobody")


def test_the_link_leads_to_where_the_office_is_open(user, settings, tmp_path):
    settings.FOREMAN_VAR, settings.PORT = tmp_path, 8123
    printed = StringIO()
    call_command("login_link", "foreman", stdout=printed)
    (tmp_path / "office.children").write_text("http://localhost:8017/")
    call_command("login_link", "foreman", stdout=printed)
    asked, opened = printed.getvalue().splitlines()
    assert asked.startswith("http://localhost:8123/login/once/")
    assert opened.startswith("http://localhost:8017/login/once/")
