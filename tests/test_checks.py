"""What the office's system checks find, and how the commands `doctor` and `check` show it."""

import json
import os
import shutil
import time
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection
from django.utils.timezone import now
from psycopg.conninfo import make_conninfo

from foreman_office import checks
from foreman_office.checks import LITTLE_ROOM, examine
from foreman_office.management.commands.doctor import level_of
from foreman_office.notifications.secrets import encrypt
from governance.models import Delivery, Watcher
from kit.runtime.database_addresses import LIMITS
from tests.database import as_administrator
from tests.factories import (
    BuilderFactory,
    ChannelFactory,
    DeliveryFactory,
    HeartbeatFactory,
    OrganisationFactory,
    ProgramFactory,
    UserFactory,
)

GOOD = {
    "FOREMAN_BIND": "127.0.0.1",
    "SECRET_KEY": "0123456789" * 5,
    "EMBEDDED": True,
    "FOREMAN_DB_POOL_SIZE": 4,
    "FOREMAN_MAIL_IS_SET_UP": True,
    "FOREMAN_URL": "https://office.example",
}
PUBLIC = {
    "FOREMAN_BIND": "0.0.0.0",
    "HTTPS": True,
    "FOREMAN_PROXIES": 1,
    "ALLOWED_HOSTS": ["office.example"],
}


@pytest.fixture
def office(db, settings, tmp_path, monkeypatch):
    """An office in good order; return what is found once some settings are different."""
    with connection.cursor() as cursor:
        for name, limit in LIMITS.items():
            cursor.execute(f"SET LOCAL {name} = '{limit}'")
    UserFactory(email="ada@example.org")
    watcher = Watcher.objects.create(host="tower", pid=7, period=timedelta(seconds=5))
    for name, value in {**GOOD, "FOREMAN_VAR": tmp_path}.items():
        setattr(settings, name, value)

    def examined(environ=(), **changed):
        for name, value in changed.items():
            setattr(settings, name, value)
        monkeypatch.setattr(checks, "environ", dict(environ))
        return {(level_of(found), found.obj) for found in examine()}

    return SimpleNamespace(examined=examined, watcher=watcher)


@pytest.mark.parametrize("settings_of", [{}, PUBLIC])
def test_there_is_nothing_to_say_of_an_office_in_good_order(office, settings_of):
    assert office.examined(**settings_of) == set()


def test_an_office_that_takes_all_clients_for_its_proxy_is_told_so(office):
    assert office.examined(**PUBLIC | {"FOREMAN_PROXIES": 0}) == {("warning", "FOREMAN_PROXIES")}


@pytest.mark.parametrize(
    ("changed", "about", "public_too"),
    [
        ({"DEBUG": True}, "DEBUG", True),
        ({"SECRET_KEY": "development-only"}, "SECRET_KEY", True),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY", True),
        ({"ALLOWED_HOSTS": ["*"]}, "ALLOWED_HOSTS", True),
        ({"FOREMAN_METRICS_TOKEN": "scrape"}, "FOREMAN_METRICS_TOKEN", True),
        ({"FOREMAN_SIMULATION": True}, "FOREMAN_SIMULATION", False),
    ],
)
def test_what_is_unsafe_is_a_fault_where_others_can_knock(office, changed, about, public_too):
    assert office.examined(**changed) == {("warning", about)}
    level = "fault" if public_too else "warning"
    assert office.examined(**{**PUBLIC, **changed}) == {(level, about)}


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.7", "office.example"])
def test_a_public_office_without_tls_is_a_fault(office, bind):
    found = office.examined(FOREMAN_BIND=bind, ALLOWED_HOSTS=["office.example"])
    assert found == {("fault", "HTTPS")}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({**PUBLIC, "ALLOWED_HOSTS": ["localhost"]}, ("warning", "ALLOWED_HOSTS")),
        (
            {"HTTPS": True, "FOREMAN_PROXIES": 1, "CSRF_TRUSTED_ORIGINS": ["http://office"]},
            ("warning", "CSRF_TRUSTED_ORIGINS"),
        ),
        ({"DATABASE_POOLED": True}, ("warning", "DATABASE_POOLED")),
        ({"FOREMAN_DB_POOL_SIZE": 8, "WEB_WORKERS": 50}, ("fault", "FOREMAN_DB_POOL_SIZE")),
    ],
)
def test_what_has_no_effect_is_named(office, changed, found):
    assert office.examined(**changed) == {found}


def test_a_seed_for_nothing_and_a_misspelt_setting_are_named(office):
    environ = {"FOREMAN_SIMULATION_SEED": "1", "FOREMAN_SWEEP_SECOND": "4", "FOREMAN_LOG": "json"}
    found = office.examined(environ)
    assert found == {("warning", "FOREMAN_SIMULATION_SEED"), ("warning", "FOREMAN_SWEEP_SECOND")}
    assert "Did you mean FOREMAN_SWEEP_SECONDS?" in examine()[1].msg


def test_a_pooler_without_an_address_to_listen_at_is_named(office, monkeypatch):
    monkeypatch.setattr(checks, "is_pooled", lambda session: True)
    found = office.examined(EMBEDDED=False, DATABASE_POOLED=True)
    assert found == {("warning", "DATABASE_LISTEN_URL")}
    assert office.examined(DATABASE_POOLED=False) == {("warning", "DATABASE_POOLED")}


def test_a_pooler_that_is_none_is_named(office):
    found = office.examined(EMBEDDED=False, DATABASE_POOLED=True, DATABASE_LISTEN_URL=address())
    assert found == {("warning", "DATABASE_POOLED")}


def address(**other):
    params = connection.get_connection_params()
    return make_conninfo(**{key: params[key] for key in ("host", "port", "user", "dbname")} | other)


@pytest.mark.parametrize("other", [{"dbname": "postgres"}, {"dbname": "nowhere"}])
def test_listening_at_the_wrong_place_is_a_fault(office, other):
    listen = address(**other)
    found = office.examined(EMBEDDED=False, DATABASE_LISTEN_URL=listen)
    assert ("fault", "DATABASE_LISTEN_URL") in found


def test_an_office_of_its_own_server_that_listens_elsewhere_is_a_fault(office):
    assert office.examined(DATABASE_LISTEN_URL=address()) == {("fault", "DATABASE_LISTEN_URL")}


def test_a_database_without_time_limits_is_a_fault(office, sql):
    sql("SET LOCAL lock_timeout = 0")
    assert office.examined() == {("fault", "time limits")}
    assert "SET lock_timeout = '10s'" in examine()[0].msg


@pytest.mark.parametrize(
    ("ahead", "level"), [(-6, "fault"), (-2, "warning"), (2, "warning"), (6, "fault")]
)
def test_a_clock_that_disagrees_with_the_databases_is_named(office, monkeypatch, ahead, level):
    monkeypatch.setattr(checks, "time", SimpleNamespace(time=lambda: time.time() + ahead))
    assert office.examined() == {(level, "clock")}
    assert ("behind" if ahead < 0 else "ahead of") in examine()[0].msg


def test_a_missing_migration_and_a_newer_one_are_faults(office):
    as_administrator(
        "INSERT INTO django_migrations (app, name, applied)"
        " VALUES ('governance', '9999_from_tomorrow', now())"
    )
    assert office.examined() == {("fault", "version")}
    as_administrator(
        "DELETE FROM django_migrations WHERE (app, name) = ('governance', '0001_initial')"
    )
    assert office.examined() == {("fault", "migrations"), ("fault", "version")}


def test_a_watcher_that_does_not_run_is_a_fault(office):
    Watcher.objects.update(swept_at=now() - timedelta(minutes=1))
    assert office.examined() == {("fault", "watcher")}
    office.watcher.delete()
    assert office.examined() == {("fault", "watcher")}


def test_heartbeats_that_nobody_removes_are_named(office):
    builder = BuilderFactory()
    HeartbeatFactory.create_batch(10, builder=builder, status="idle")
    HeartbeatFactory(builder=builder, status="idle", timestamp=now() - timedelta(days=90, hours=1))
    assert office.examined() == set()
    HeartbeatFactory(builder=builder, status="idle", timestamp=now() - timedelta(days=92))
    assert office.examined() == {("warning", "FOREMAN_HEARTBEAT_RETENTION_DAYS")}


def test_an_office_that_nobody_can_enter_is_named(office, django_user_model):
    django_user_model.objects.update(is_active=False)
    assert office.examined() == {("warning", "users"), ("warning", "notifications")}


def test_a_disk_that_is_nearly_full_is_named(office, monkeypatch):
    usage = SimpleNamespace(free=LITTLE_ROOM - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert office.examined() == {("warning", "disk")}


def test_a_database_that_is_away_is_one_fault_and_a_sentence(office, monkeypatch):
    def fail():
        raise OperationalError("server: FATAL: unsupported startup parameter: options")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "ensure_connection", fail)
        assert office.examined() == {("fault", "database")}
        assert "set DATABASE_POOLED=true" in examine()[0].msg


def told(*arguments):
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out, no_color=True)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), None


def test_the_command_fails_for_a_fault_and_not_for_a_warning(office, settings, monkeypatch):
    for name in [name for name in os.environ if name.startswith("FOREMAN_")]:
        monkeypatch.delenv(name)
    assert told() == ("No fault.\n", None)
    settings.DEBUG = True
    said, failed = told()
    assert failed is None
    assert said.startswith("WARNING DEBUG: ")
    settings.FOREMAN_BIND = "0.0.0.0"
    said, failed = told()
    assert failed == "2 faults."
    assert said.startswith("FAULT DEBUG: ")
    said, failed = told("--json")
    found = json.loads(said)
    assert [(each["level"], each["id"], each["about"]) for each in found] == [
        ("fault", "foreman.E001", "DEBUG"),
        ("fault", "foreman.E004", "HTTPS"),
    ]
    assert found[0]["sentence"].startswith("Error pages show code")
    assert failed == "2 faults."


def checked(**options):
    """Return what `manage.py check` writes, and whether it fails."""
    out = StringIO()
    try:
        call_command("check", stderr=out, stdout=out, no_color=True, **options)
    except SystemCheckError as error:
        return str(error), True
    return out.getvalue(), False


def test_djangos_check_shows_the_same_in_a_deployment(office, settings):
    settings.FOREMAN_BIND = "0.0.0.0"
    office.watcher.delete()
    sentences = [f"{found.obj}: ({found.id}) {found.msg}" for found in examine()]
    assert [sentence[: sentence.index(":")] for sentence in sentences[:2]] == ["HTTPS", "watcher"]

    said, failed = checked(deploy=True, databases=["default"])
    assert failed
    assert all(sentence in said for sentence in sentences)
    said, failed = checked(deploy=True)
    assert failed
    assert "foreman.E004" in said
    assert "foreman.E041" not in said  # the database is not asked
    for asked in ({}, {"databases": ["default"]}):  # as migrate does, which is to mend it
        assert checked(**asked) == ("System check identified no issues (0 silenced).\n", False)


def test_a_silenced_check_is_not_shown(office, settings):
    assert office.examined(DEBUG=True) == {("warning", "DEBUG")}
    settings.SILENCED_SYSTEM_CHECKS = ["foreman.W001"]
    assert office.examined() == set()


def test_what_is_wrong_with_notifications_is_said(office, settings, subtests):
    channel = ChannelFactory(name="team", disabled_at=now(), disabled_because="410 Gone.")
    cases = [
        ({"FOREMAN_MAIL_IS_SET_UP": False}, {"notifications", "FOREMAN_MAIL_URL"}),
        ({"FOREMAN_MAIL_IS_SET_UP": True, "FOREMAN_URL": ""}, {"FOREMAN_URL"}),
        ({"FOREMAN_URL": "https://office.example"}, set()),
    ]
    for changed, wanted in cases:
        with subtests.test(**changed):
            found = office.examined(**changed)
            assert found == {("warning", about) for about in {*wanted, "channel team"}}
    type(channel).objects.update(disabled_at=None, address_encrypted="of another key")
    DeliveryFactory(channel=channel, state="failed", why="It is away.", finished_at=now())
    assert office.examined() == {("warning", "channel team"), ("warning", "messages")}
    type(channel).objects.update(address_encrypted=encrypt("https://hooks.example.org/"))
    waits = {"state": "queued", "finished_at": None}
    Delivery.objects.update(due_at=now() - timedelta(minutes=4), **waits)
    assert office.examined() == set()
    Delivery.objects.update(due_at=now() - timedelta(minutes=6))
    assert office.examined() == {("warning", "messages")}
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert office.examined() == set()


def test_organisations_that_nobody_serves_and_programs_of_none_are_named(office, settings):
    north = OrganisationFactory()
    ProgramFactory(organisation_id=north.pk)
    assert office.examined() == set()
    for number in range(7):
        ProgramFactory(name=f"Lost {number}", organisation_id=uuid4())
    [found] = examine()
    assert "of: Lost 0, Lost 1, Lost 2, Lost 3, Lost 4, …. Only" in found.msg
    assert "organisation move" in found.msg
    roles = settings.DATABASE_ROLES
    settings.DATABASE_ROLES = {name: roles[name] for name in roles if name != "member"}
    about = "DATABASE_MEMBER_URL"
    assert ("fault", about) in office.examined()
    settings.DATABASE_ROLES["owner"] = roles["office"]
    [told] = [found for found in examine() if found.obj == about]
    assert "give the office its other roles first" in told.msg
