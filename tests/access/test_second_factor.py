"""Two-factor login: set up, asked for at every way in, each code taken once, and removed."""

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils.timezone import now
from django_otp.oath import totp

from foreman_office.access import attempts, second_factor
from foreman_office.login_link import make_login_link
from governance.models import LoginAttempt, OfficeSession, RecoveryCode, SecondFactor
from tests.access.test_security_log import log  # noqa: F401
from tests.access.test_sessions import everything_stored
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

LOGIN = {"username": "ada", "password": "right"}


@pytest.fixture
def ada(db):
    return UserFactory(username="ada", password="right")


@pytest.fixture
def recovery(ada):
    """The recovery codes of ada, who has a second factor from long ago."""
    second_factor.begin_setup(ada)
    SecondFactor.objects.update(confirmed_at=now())
    return second_factor.new_recovery_codes(ada)


def code_of(user, steps=0):
    """Return what the app of a user shows, or did so many steps ago."""
    secret = second_factor.decrypted(SecondFactor.objects.get(user=user).secret)
    return f"{totp(secret, drift=steps):06}"


def wrong(user):
    right = {code_of(user, steps) for steps in range(-2, 4)}
    return next(
        code
        for code in ("000000", "123456", "999999", *map(str, range(10**5)))
        if code not in right
    )


def at_the_code(client=None, **extra):
    """Return a client that has sent the right password and is asked for a code."""
    client = client or Client(**extra)
    assert client.post("/login/", LOGIN).url == "/login/code/"
    return client


def is_in(client):
    return "_auth_user_id" in client.session


def send(client, code):
    return client.post("/login/code/", {"code": code})


# --- setting it up --------------------------------------------------------------------------------


def secret_on(page):
    return re.search(r'<code class="secret"[^>]*>([a-z2-7-]+)</code>', page.text)[1]


def test_it_is_set_up_with_the_password_and_a_first_code(client, ada, log):  # noqa: F811
    client.force_login(ada)
    other = Client()
    other.force_login(ada)
    assert client.post("/account/second-factor/begin/", {"password": "x"}).status_code == 422
    page = client.post("/account/second-factor/begin/", {"password": "right"})
    secret = base64.b32decode(secret_on(page).replace("-", "").upper())
    assert "<svg" in page.text
    assert not second_factor.has_one(ada)

    refused = client.post("/account/second-factor/confirm/", {"code": wrong(ada)})
    assert refused.status_code == 422
    assert "not the code" in refused.text
    done = client.post("/account/second-factor/confirm/", {"code": f"{totp(secret):06}"})
    codes = re.findall(r"(?:[a-z2-7]{4}-){3}[a-z2-7]{4}", done.text)
    assert len({*codes}) == second_factor.RECOVERY_CODES
    assert second_factor.has_one(ada)
    assert is_in(client)
    assert other.get("/account/").status_code == 302
    assert "second factor set up" in [each["event"] for each in log.events()]


def test_the_secret_is_shown_once_and_stands_nowhere_else(client, ada, log, sql):  # noqa: F811
    client.force_login(ada)
    page = client.post("/account/second-factor/begin/", {"password": "right"})
    assert "no-store" in page["Cache-Control"]
    secret = secret_on(page)
    plain = secret.replace("-", "").upper()
    raw = base64.b32decode(plain)
    done = client.post("/account/second-factor/confirm/", {"code": code_of(ada)})
    [code, *_] = re.findall(r"(?:[a-z2-7]{4}-){3}[a-z2-7]{4}", done.text)
    pages = [client.get(path).text for path in ("/account/", "/account/second-factor/")]
    everywhere = "\n".join([everything_stored(sql), *log.lines, *pages])
    for each in (
        secret,
        plain,
        raw.hex(),
        base64.b64encode(raw).decode(),
        code,
        code.replace("-", ""),
    ):
        assert each not in everywhere


def test_one_that_is_set_up_is_not_replaced_by_beginning_again(client, ada, recovery):
    client.force_login(ada)
    before = SecondFactor.objects.get().secret
    answer = client.post("/account/second-factor/begin/", {"password": "right"})
    assert answer.url == "/account/second-factor/"
    second_factor.begin_setup(ada)
    assert second_factor.confirm(ada, code_of(ada)) is None
    assert SecondFactor.objects.get().secret == before


def test_a_secret_that_was_never_confirmed_asks_nobody_for_a_code(client, ada):
    second_factor.begin_setup(ada)
    assert client.post("/login/", LOGIN).url == "/"


def test_an_app_reads_the_address(ada):
    assert second_factor.otpauth_address(ada, "ABC") == (
        "otpauth://totp/Foreman%20Office%3Aada?secret=ABC&issuer=Foreman%20Office"
    )


# --- the login ------------------------------------------------------------------------------------


def test_the_password_alone_lets_nobody_in(ada, recovery):
    client = at_the_code()
    assert not is_in(client)
    assert client.get("/").status_code == 302
    assert "Enter the code" in client.get("/login/code/").text
    assert not OfficeSession.objects.exclude(user=None).exists()


def test_a_code_lets_in_and_leads_on(ada, recovery):
    client = Client()
    client.post("/login/?next=/builders/", LOGIN | {"next": "/builders/"})
    assert send(client, code_of(ada)).url == "/builders/"
    assert client.get("/builders/").status_code == 200


@pytest.mark.parametrize(("steps", "lets_in"), [(-2, False), (0, True), (1, True), (3, False)])
def test_a_clock_may_be_wrong_by_one_step(ada, recovery, steps, lets_in):
    assert is_in_after(at_the_code(), code_of(ada, steps)) is lets_in


def is_in_after(client, code):
    send(client, code)
    return is_in(client)


def test_each_code_is_taken_once_and_no_earlier_one_after_it(ada, recovery):
    assert is_in_after(at_the_code(), code_of(ada, 1))
    for steps in (1, 0):
        assert not is_in_after(at_the_code(), code_of(ada, steps))


@pytest.mark.django_db(transaction=True)
def test_of_two_that_send_one_code_at_once_one_gets_in(ada, recovery):
    code, clients = code_of(ada), [at_the_code(REMOTE_ADDR=f"10.0.0.{n}") for n in range(4)]

    def press(client):
        try:
            return send(client, code).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as many:
        assert sorted(many.map(press, clients)) == [302, 422, 422, 422]


def test_a_recovery_code_lets_in_once(ada, recovery, log):  # noqa: F811
    assert is_in_after(at_the_code(), recovery[0].upper().replace("-", " "))
    assert not is_in_after(at_the_code(), recovery[0])
    assert is_in_after(at_the_code(), recovery[1])
    assert [each["event"] for each in log.events()].count("recovery code used") == 2


@pytest.mark.parametrize(
    "code",
    ["", "12345", "\uff11\uff12\uff13\uff14\uff15\uff16", "1234567", "\0", "x" * 10_000, "-1"],
)
def test_what_is_no_code_is_refused(ada, recovery, code):
    assert send(at_the_code(), code).status_code == 422


def test_wrong_codes_are_limited_as_passwords_are(ada, recovery, log):  # noqa: F811
    client = at_the_code()
    for _ in range(attempts.MOST):
        LoginAttempt.objects.update(at=F("at") - timedelta(seconds=64))
        assert send(client, wrong(ada)).status_code == 422
    assert [each["event"] for each in log.events()] == ["login failed"] * attempts.MOST
    # Neither the right code nor the right password, sent again, ends the wait.
    assert send(client, code_of(ada)).status_code == 429
    assert send(at_the_code(), code_of(ada)).status_code == 429
    assert not is_in(client)
    LoginAttempt.objects.update(at=F("at") - attempts.WINDOW)
    assert send(client, code_of(ada)).status_code == 302


def test_codes_guessed_from_everywhere_are_refused_and_a_recovery_code_is_not(ada, recovery):
    asker = attempts.Asker.of_code
    request = at_the_code().get("/login/code/").wsgi_request
    name = asker(request, "ada", True).name
    LoginAttempt.objects.bulk_create(
        LoginAttempt(address=f"10.1.0.{n}", name=name) for n in range(attempts.MOST_OF_NAME)
    )
    client = at_the_code(REMOTE_ADDR="10.9.9.9")
    assert send(client, code_of(ada)).status_code == 429
    assert send(client, recovery[0]).status_code == 302


def test_the_code_is_asked_for_ten_minutes_and_not_after_a_new_password(ada, recovery):
    client = at_the_code()
    session = client.session
    pk, mark, since, *rest = session["waits_for_code"]
    session["waits_for_code"] = [pk, mark, since - 601, *rest]
    session.save()
    assert send(client, code_of(ada)).url == "/login/"
    client = at_the_code()
    ada.set_password("another")
    ada.save()
    assert send(client, code_of(ada)).url == "/login/"
    assert not is_in(client)


def test_the_code_page_is_for_whoever_sent_a_password(client, ada, recovery):
    assert client.get("/login/code/").url == "/login/"
    assert send(client, code_of(ada)).url == "/login/"


def test_one_who_may_not_log_in_any_more_is_not_let_in_by_a_code(ada, recovery):
    client = at_the_code()
    ada.is_active = False
    ada.save()
    assert send(client, code_of(ada)).url == "/login/"


def test_a_login_link_stands_for_the_password_alone(client, ada, recovery):
    link = make_login_link(ada)
    assert client.post(link).url == "/login/code/"
    assert not is_in(client)
    assert send(client, code_of(ada)).url == "/"
    assert Client().post(link).status_code == 410


def test_the_admin_asks_for_the_code_too(client):
    root = UserFactory(username="ada", password="right", is_staff=True, is_superuser=True)
    second_factor.begin_setup(root)
    SecondFactor.objects.update(confirmed_at=now())
    [*_, (login, _)] = client.get("/admin/", follow=True).redirect_chain
    assert client.post(login, LOGIN).url == "/login/code/"
    assert client.get("/admin/").status_code == 302
    assert send(client, code_of(root)).url == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_after_another_secret_key_a_recovery_code_lets_in(ada, recovery, settings):
    code, before = code_of(ada), settings.SECRET_KEY
    settings.SECRET_KEY = "another one"
    assert send(at_the_code(), code).status_code == 422
    assert send(at_the_code(), recovery[0]).status_code == 302
    settings.SECRET_KEY_FALLBACKS = [before]
    assert send(at_the_code(), code_of(ada)).status_code == 302


# --- taking it away -------------------------------------------------------------------------------


@pytest.fixture
def within(client, ada, recovery):
    client.force_login(ada)
    return client


def test_it_is_turned_off_with_password_and_code(within, ada, recovery):
    path = "/account/second-factor/remove/"
    for form in ({"password": "right"}, {"password": "right", "code": wrong(ada)}):
        assert within.post(path, form).status_code == 422
    assert within.post(path, {"password": "wrong", "code": recovery[0]}).status_code == 422
    assert second_factor.has_one(ada)
    # A wrong password used up no code.
    assert within.post(path, {"password": "right", "code": recovery[0]}).url == "/account/"
    assert not second_factor.has_one(ada)
    assert not RecoveryCode.objects.exists()
    assert Client().post("/login/", LOGIN).url == "/"


def test_new_recovery_codes_replace_the_old_ones(within, ada, recovery):
    form = {"password": "right", "code": code_of(ada)}
    page = within.post("/account/recovery-codes/", form)
    [new, *_] = re.findall(r"(?:[a-z2-7]{4}-){3}[a-z2-7]{4}", page.text)
    assert not is_in_after(at_the_code(), recovery[0])
    assert is_in_after(at_the_code(), new)


def test_one_without_a_password_needs_the_code_alone(client):
    user = UserFactory(password=None)
    client.force_login(user)
    client.post("/account/second-factor/begin/", {})
    client.post("/account/second-factor/confirm/", {"code": code_of(user)})
    assert second_factor.has_one(user)
    client.post("/account/second-factor/remove/", {"code": code_of(user, 1)})
    assert not second_factor.has_one(user)


def test_an_admin_turns_it_off_for_a_reason_that_stays(client, ada, recovery, log):  # noqa: F811
    theirs = Client()
    theirs.force_login(ada)
    client.force_login(UserFactory(username="root", is_staff=True, is_superuser=True))
    form = {"action": "reset_second_factor", "_selected_action": [ada.pk]}
    page = client.post("/admin/auth/user/", form)
    assert "ada" in page.text
    assert client.post("/admin/auth/user/", form | {"reason": " "}).status_code == 200
    assert second_factor.has_one(ada)
    client.post("/admin/auth/user/", form | {"reason": "lost the telephone"})
    assert not second_factor.has_one(ada)
    assert "lost the telephone" in LogEntry.objects.get().change_message
    last = log.events()[-1]
    assert (last["event"], last["user"], last["by"]) == ("second factor removed", "ada", "root")
    assert theirs.get("/account/").status_code == 302


def test_who_is_no_superuser_resets_no_superuser(client, recovery, ada):
    from django.contrib.auth.models import Permission

    ada.is_superuser = True
    ada.save()
    helper = UserFactory(roles=["admin"], is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    client.force_login(helper)
    form = {"action": "reset_second_factor", "_selected_action": [ada.pk], "reason": "why not"}
    client.post("/admin/auth/user/", form)
    assert second_factor.has_one(ada)


def test_the_command_turns_it_off(ada, recovery):
    printed = StringIO()
    call_command("reset_second_factor", "ada", reason="lost", stdout=printed)
    assert not second_factor.has_one(ada)
    assert "ada is off" in printed.getvalue()
    for name in ("ada", "nobody"):
        with pytest.raises(CommandError, match=name):
            call_command("reset_second_factor", name, reason="lost")


# --- required of staff ----------------------------------------------------------------------------


def test_staff_without_it_sets_it_up_first(client, settings):
    settings.FOREMAN_STAFF_SECOND_FACTOR = True
    root = UserFactory(password="right", is_staff=True, is_superuser=True)
    client.force_login(root)
    for path in ("/", "/builders/", "/admin/", "/live/"):
        answer = client.get(path)
        assert answer.status_code == 404 or answer.url == "/account/second-factor/", path
    assert client.get("/", headers={"HX-Request": "true"}).status_code == 403
    assert client.post("/programs/new/", {"name": "x"}).status_code == 403
    page = client.get("/account/second-factor/").text
    assert "asks staff" in page
    assert "lamps" not in page
    client.post("/account/second-factor/begin/", {"password": "right"})
    client.post("/account/second-factor/confirm/", {"code": code_of(root)})
    assert client.get("/admin/").status_code == 200


def test_whoever_is_no_staff_is_not_asked(client, settings, ada):
    settings.FOREMAN_STAFF_SECOND_FACTOR = True
    client.force_login(ada)
    assert client.get("/").status_code == 200
