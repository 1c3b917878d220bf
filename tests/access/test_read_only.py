"""An office that only reads: every page is shown from a server that takes no changes."""

import json

import pytest
from django.core.checks import ERROR
from django.test import Client
from django.urls import reverse

from foreman_office import checks, health
from governance.models import OfficeSession
from kit.live.hub import can_listen
from kit.runtime.database_addresses import of_the_writer
from tests.factories import BlockerFactory, BuilderTokenFactory, QAExecutionFactory, UserFactory
from tests.test_roles import EXPECTED, OURS, READS, arguments

pytestmark = pytest.mark.django_db


@pytest.fixture
def reading(settings, sql):
    """Begin to only read: nothing in this transaction may write from now on."""

    def begin():
        settings.FOREMAN_READ_ONLY = True
        settings.FOREMAN_WRITER = "https://office.example"
        sql("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        sql("SET TRANSACTION READ ONLY")

    return begin


def test_every_page_is_shown(person, reading):
    user = UserFactory()
    pages = [
        reverse(name, kwargs=arguments(name, OURS[name], user))
        for name, answers in EXPECTED.items()
        if answers is READS and name not in ("live:stream", "governance:plan_export")
    ]
    reading()
    assert len(pages) > 15
    shown = {page: person.get(page) for page in [*pages, "/account/", "/login/", "/nowhere/"]}
    wrong = {page: answer for page, answer in shown.items() if answer.status_code not in (200, 302)}
    assert wrong.keys() == {"/nowhere/"}
    assert "Reads only" in shown[pages[0]].text


def test_no_button_is_offered(person, task, reading):
    BlockerFactory(entity=task)
    assert 'class="offer"' in person.get(task.get_absolute_url()).text
    reading()
    assert 'class="offer"' not in person.get(task.get_absolute_url()).text


def test_every_act_says_why_not_and_where_instead(person, task, reading):
    addresses = [
        reverse("programs:task_start", args=[task.pk]),
        reverse("programs:task_edit", args=[task.pk]),
        *("/login/", "/logout/", "/account/", "/account/sessions/end/"),
    ]
    reading()
    for address in addresses:
        for headers in ({}, {"HX-Request": "true"}):
            answer = person.post(address, {"name": "x"}, headers=headers)
            assert answer.status_code == 409, address
            assert "only reads" in answer.text
            assert "https://office.example" in answer.text
    assert person.get("/login/once/x/").status_code == 409


def test_a_builder_is_told_to_send_it_elsewhere(client, reading):
    token = BuilderTokenFactory()
    reading()
    for path in ("heartbeat", "tasks/11111111-1111-4111-8111-111111111111/qa-runs"):
        answer = client.post(
            f"/api/{path}",
            {"builder_id": "ui-builder", "status": "idle"},
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 503
        assert json.loads(answer.content)["errors"][0]["rule"] == "office_read_only"
        assert answer["Retry-After"]


def test_the_login_leads_to_the_office_that_writes(reading):
    reading()
    page = Client().get("/login/").text
    assert 'href="https://office.example"' in page
    assert 'name="password"' not in page


def test_no_session_is_written(client, reading):
    client.force_login(UserFactory())
    before = OfficeSession.objects.get().expire_date
    reading()
    session = client.session
    session["x"] = 1
    session.save()
    session.delete()
    assert OfficeSession.objects.get().expire_date == before
    assert client.get("/").status_code == 200


def test_it_is_ready_and_sound_where_nothing_can_be_changed(reading):
    QAExecutionFactory()
    reading()
    assert health.takes_changes() == {"ok": True, "detail": ""}
    found = [each for each in checks.server() if each.level >= ERROR]
    assert [each.id for each in found if each.id.endswith("38")] == []
    assert not can_listen()


def test_of_several_servers_it_takes_a_standby():
    address = "postgres://u:p@h1:1,h2:2/db"
    assert "target_session_attrs=prefer-standby" in of_the_writer(address, only_reads=True)
    assert "target_session_attrs=read-write" in of_the_writer(address)
