"""The office log: who may enter, who did, and that nothing of it is changed behind it."""

import json

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from foreman_office.access.security_log import note
from governance.models import OfficeLogEntry
from governance.replay import Replay
from tests.database import administrator, as_administrator, without_triggers
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(db):
    """Return what was logged since the last call."""
    seen = OfficeLogEntry.objects.count()

    def log():
        nonlocal seen
        rows = list(OfficeLogEntry.objects.order_by("sequence")[seen:])
        seen += len(rows)
        return rows

    return log


def told(rows):
    return [(row.action, row.subject_name) for row in rows]


def differences():
    return Replay().first_differences()


def test_a_change_of_users_and_rights_leaves_a_line_whoever_makes_it(log, sql):
    sql(
        "INSERT INTO auth_user (username, password, first_name, last_name, email, is_staff,"
        " is_active, is_superuser, date_joined)"
        " VALUES ('eve', 'x', '', '', '', false, true, false, now())"
    )
    [made] = log()
    assert (made.action, made.subject_name, made.witnessed) == ("user_created", "eve", True)
    assert made.context["database_role"]

    eve = User.objects.get(username="eve")
    sql("UPDATE auth_user SET is_superuser = true WHERE id = %s", eve.pk)
    [risen] = log()
    assert risen.action == "user_edited"
    assert risen.context["changes"] == {"is_superuser": [False, True]}

    group = Group.objects.create(name="night watch")
    eve.groups.add(group)
    eve.user_permissions.add(Permission.objects.first())
    group.permissions.add(Permission.objects.first())
    group.delete()
    eve.delete()
    assert told(log()) == [
        ("group_created", "night watch"),
        ("membership_created", "eve"),
        ("user_permission_created", "eve"),
        ("group_permission_created", "night watch"),
        ("group_permission_deleted", "night watch"),
        ("membership_deleted", "eve"),
        ("group_deleted", "night watch"),
        ("user_permission_deleted", "eve"),
        ("user_deleted", "eve"),
    ]
    assert differences() == []


def test_a_password_is_told_as_changed_and_a_login_is_no_change(log, sql):
    user = UserFactory()
    log()
    user.set_password("another")
    user.save()
    sql("UPDATE auth_user SET last_login = now()")
    [changed] = log()
    assert (changed.action, changed.context["password"]) == ("user_password_changed", "changed")
    ((text,),) = sql("SELECT string_agg(office_log::text, ' ') FROM office_log")
    assert user.password not in text
    assert "last_login" not in text


def test_the_admin_that_gives_rights_is_named(client, log):
    admin = UserFactory(username="root", is_staff=True, is_superuser=True)
    user = UserFactory(username="eve")
    client.force_login(admin)
    log()
    form = {"username": "eve", "is_active": "on", "is_superuser": "on"}
    moment = {"date_joined_0": "2026-01-01", "date_joined_1": "10:00:00"}
    group = {"groups": [Group.objects.get(name="foreman").pk], "reason": "She is on call."}
    saved = client.post(reverse("admin:auth_user_change", args=[user.pk]), form | moment | group)
    assert saved.status_code == 302
    rows = log()
    assert {row.action for row in rows} >= {"user_edited"}
    assert {(row.username, row.subject_name) for row in rows} == {("root", "eve")}
    assert {row.context["reason"] for row in rows} == {"She is on call."}


def test_logins_and_failures_are_told(client, log):
    UserFactory(username="eve")
    client.post("/login/", {"username": "eve", "password": "wrong"})
    client.post("/login/", {"username": "eve", "password": "eve"})
    rows = log()
    assert ("login_failed", "eve") in told(rows)
    assert not any(row.witnessed for row in rows if row.action == "login_failed")
    assert rows[-1].context["address"] == "127.0.0.1"


def test_whoever_guesses_cannot_fill_the_log(log):
    for _ in range(62):
        note("login failed", "eve")
    rows = log()
    assert len(rows) == 60
    assert "left_out" in rows[-1].context
    assert "left_out" not in rows[-2].context


@pytest.mark.parametrize(
    "statement",
    ["UPDATE office_log SET actor = 'x'", "DELETE FROM office_log", "TRUNCATE office_log"],
)
def test_nothing_of_it_is_changed_or_removed(statement, refuses):
    with refuses("governance_office_log_append_only"):
        as_administrator(statement)


def test_who_may_enter_is_not_emptied(refuses):
    with refuses("governance_no_truncate"):
        as_administrator("TRUNCATE auth_user CASCADE")


@pytest.mark.parametrize(
    ("change", "entity", "column"),
    [
        ("UPDATE auth_user SET is_superuser = true", "user", "is_superuser"),
        ("UPDATE auth_user SET is_active = NOT is_active", "user", "is_active"),
        ("UPDATE auth_group SET name = name || '!'", "group", "name"),
        ("DELETE FROM auth_user_groups", "membership", "the row"),
        ("DELETE FROM auth_group_permissions", "group permission", "the row"),
        ("UPDATE auth_user_groups SET group_id = group_id + 100", "membership", "group_id"),
    ],
)
def test_rights_changed_behind_the_log_are_found(change, entity, column):
    UserFactory().groups.add(Group.objects.get(name="viewer"))
    assert differences() == []
    with without_triggers():
        as_administrator(change)
    [found] = differences()
    assert (found.entity.rpartition(" ")[0], found.column) == (entity, column)
    assert f"{entity} " in str(found)
    assert "the office log has" in str(found)


def test_the_text_that_is_sealed_is_the_same_in_every_session(sql):
    UserFactory()
    ask = "SELECT governance_office_log_leaf(entry) FROM office_log AS entry ORDER BY sequence"
    usual = sql(ask)
    for hostile in (
        "TimeZone = 'Asia/Kathmandu'",
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = iso_8601",
    ):
        sql(f"SET LOCAL {hostile}")
    assert sql(ask) == usual
    assert json.loads(usual[-1][0])["kind"] == "office"


@pytest.mark.django_db(transaction=True)
def test_who_was_there_before_the_log_is_in_it():
    known = administrator().execute("SELECT count(*) FROM office_log WHERE action LIKE '%_known'")
    assert known.fetchone()[0] > 0
    assert differences() == []
