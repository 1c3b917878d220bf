"""Logins, passwords and roles leave a line each, and no line is forged or has a secret."""

import json
import logging
import re

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import OperationalError
from django.test import Client

from foreman_office import login_link
from foreman_office.login_link import make_login_link
from kit.runtime.logs import JSONFormatter, LineFormatter, PlainRefusals
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+: ")


class Office(logging.StreamHandler):
    """The handler of the settings, with both formats, and what it wrote."""

    def __init__(self):
        super().__init__(self)
        self.lines, self.objects = [], []
        self.addFilter(PlainRefusals())
        self.as_line = LineFormatter(settings.LOGGING["formatters"]["line"]["format"])

    def emit(self, record):
        self.lines += self.as_line.format(record).split("\n")
        self.objects.append(json.loads(JSONFormatter().format(record)))

    def events(self):
        return [
            {key: value for key, value in said.items() if key in FIELDS}
            for said in self.objects
            if said["logger"] == "foreman.security"
        ]


FIELDS = {"event", "user", "by", "roles", "rights", "address"}


@pytest.fixture
def log(db):
    office = Office()
    logging.getLogger().addHandler(office)
    yield office
    logging.getLogger().removeHandler(office)


@pytest.fixture
def ada(db):
    return UserFactory(username="ada", password="right")


def test_logins_and_failures_say_who_and_from_where(ada, log, client):
    for name, password in (("ada", "wrong"), ("ada", "right"), ("hunter2", "x")):
        form = {"username": name, "password": password}
        client.post("/login/", form, REMOTE_ADDR="10.0.0.7")
        client.post("/logout/", REMOTE_ADDR="10.0.0.8")
    there = {"address": "10.0.0.7"}
    assert log.events() == [
        {"event": "login failed", "user": "ada", **there},
        {"event": "logged in", "user": "ada", "by": "ada", **there},
        {"event": "logged out", "user": "ada", "by": "ada", "address": "10.0.0.8"},
        {"event": "login failed", "user": "(no user)", **there},
    ]
    assert "hunter2" not in "\n".join(log.lines)


def test_passwords_and_roles_say_by_whom(ada, log, client):
    client.force_login(UserFactory(username="root", is_staff=True, is_superuser=True))
    log.objects.clear()
    change = f"/admin/auth/user/{ada.pk}/"
    groups = Group.objects.filter(name="viewer").values_list("pk", flat=True)
    form = {"username": "ada", "is_active": "on", "is_staff": "on", "groups": [*groups]}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "reason": "a new task"}
    assert client.post(f"{change}change/", form).status_code == 302
    new = {"password1": "correct-horse-7", "password2": "correct-horse-7"}
    assert client.post(f"{change}password/", new | {"usable_password": "true"}).status_code == 302
    client.post(f"{change}delete/", {"post": "yes"})
    root = {"user": "ada", "by": "root", "address": "127.0.0.1"}
    assert log.events() == [
        {"event": "rights changed", **root, "rights": "is_staff true"},
        {"event": "roles taken", **root, "roles": "foreman"},
        {"event": "roles given", **root, "roles": "viewer"},
        {"event": "password changed", **root},
        {"event": "user deleted", **root},
    ]
    assert "correct-horse-7" not in "\n".join(log.lines)


def test_changes_without_a_request_say_so_too(log):
    user = UserFactory(username="eve", roles=["viewer"])
    Group.objects.get(name="admin").user_set.add(user)
    user.set_password("another")
    user.save()
    assert [(each["event"], each["by"]) for each in log.events()] == [
        ("user created", "a command"),
        ("roles given", "a command"),
        ("roles given", "a command"),
        ("password changed", "a command"),
    ]
    assert [each.get("roles") for each in log.events()] == [None, "viewer", "admin", None]


def test_a_password_that_is_only_hashed_again_is_no_new_one(ada, log, client, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    client.post("/login/", {"username": "ada", "password": "right"})
    ada.refresh_from_db()
    assert ada.password.startswith("pbkdf2")
    assert [each["event"] for each in log.events()] == ["logged in"]


# --- what is never logged -------------------------------------------------------------------------


def broken(*args, **kwargs):
    raise OperationalError("the connection is lost")


@pytest.mark.parametrize("fault", ["no cookie", "database", "bug", "host"])
def test_a_login_link_reaches_no_log_whatever_fails(ada, log, monkeypatch, fault):
    link = make_login_link(ada)
    token = link.split("/")[-2]
    client = Client(enforce_csrf_checks=fault == "no cookie", raise_request_exception=False)
    headers = {"host": "elsewhere.example"} if fault == "host" else {}
    with monkeypatch.context() as patch:
        if fault == "database":
            patch.setattr(login_link, "invited", broken)
        if fault == "bug":
            patch.setattr(login_link, "invited", lambda token, users: 1 / 0 if token else token)
        answer = client.post(link, {}, headers=headers)
    assert answer.status_code == {"no cookie": 403, "database": 503, "bug": 500, "host": 400}[fault]
    assert log.lines
    written = "\n".join(log.lines) + json.dumps(log.objects)
    assert token not in written
    assert token.rpartition(":")[2] not in written
    assert ("/login/once/…/" in written) == (fault != "host")


@pytest.mark.parametrize("format", [LineFormatter, JSONFormatter])
def test_a_link_is_masked_wherever_it_stands_in_a_record(ada, format):
    link = make_login_link(ada)
    try:
        raise LookupError(link)
    except LookupError as error:
        failed = (type(error), error, error.__traceback__)
    for message, args in (("%s", (link,)), (link, ()), ("%r", ({"path": link},))):
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, message, args, failed)
        assert link.split("/")[-2] not in format().format(record)


def test_the_mask_is_quick_however_long_a_line_is():
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "a" * 2_000_000, (), None)
    assert len(LineFormatter().format(record)) == 2_000_000


# --- lines that are not ours ----------------------------------------------------------------------


@pytest.mark.parametrize("break_", ["%0a", "%0d", "%0d%0a", "%c2%85", "%e2%80%a8", "%1b[2K", "%0b"])
def test_a_client_writes_no_line_of_its_own(log, break_):
    forged = "2026-01-01%2000:00:00,000%20INFO%20foreman.security:%20logged%20in"
    answer = Client(enforce_csrf_checks=True).post(f"/login/once/x/{break_}{forged}")
    assert answer.status_code in (403, 404)
    Client(enforce_csrf_checks=True).post(f"/login/?{break_}{forged}", {"username": f"\n{forged}"})
    logging.getLogger("django.security.csrf").warning("Forbidden: %s", f"/x/\n\x1b[2K{forged}")
    assert log.lines
    assert [line for line in log.lines if not LINE.match(line)] == []
    assert all(line.isprintable() for line in log.lines)


def test_no_line_of_a_traceback_begins_as_one_of_the_log(log):
    forged = "2026-01-01 00:00:00,000 INFO foreman.security: logged in"
    try:
        raise LookupError(f"no\n{forged}\n\x1b[2Kgone")
    except LookupError:
        logging.getLogger("foreman.test").exception("failed")
    first, *rest = log.lines
    assert LINE.match(first)
    assert all(line.startswith("  ") and line.isprintable() for line in rest)


def test_a_wrong_host_leaves_one_line(log, client):
    assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 400
    [line] = log.lines
    assert " WARNING django.security.DisallowedHost: " in line
    assert "traceback" not in log.objects[0]
