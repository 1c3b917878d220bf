"""The login by another provider, tried against django-oauth-toolkit over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from foreman_office.access import attempts, openid, second_factor
from governance.models import OfficeSession, OpenIDAccount
from tests.access.openid.conftest import FOREMEN
from tests.access.test_second_factor import code_of
from tests.access.test_security_log import log  # noqa: F401
from tests.factories import UserFactory
from tests.throwaway import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def begin(client, **form):
    answer = client.post("/login/openid/", form)
    assert answer.status_code == 200, answer.text
    return answer.context["address"]


def come_back(provider, client=None, name="ada", **form):
    client = client or Client()
    return client.get(provider.sends_back(begin(client, **form), name))


def is_in(client):
    return client.get("/account/").status_code == 200


def groups(user):
    return {*user.groups.values_list("name", flat=True)}


# --- who gets in ----------------------------------------------------------------------------------


def test_a_first_login_makes_the_user_with_the_groups_of_the_claim(client, provider, log):  # noqa: F811
    assert "Log in with the club" in client.get("/login/?next=/builders/").text
    assert come_back(provider, client, next="/builders/").url == "/builders/"
    user = User.objects.get()
    assert (user.username, groups(user), user.is_staff) == ("ada", {"foreman"}, False)
    assert not user.has_usable_password()
    assert client.get("/builders/").status_code == 200
    assert client.session.get_expiry_age() <= 12 * 3600
    events = [(each["event"], each["user"]) for each in log.events()]
    assert events == [("user created", "ada"), ("roles given", "ada"), ("logged in", "ada")]


def test_what_is_asked_is_bound_to_this_login(client, provider):
    asked = parse_qs(urlsplit(begin(client)).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert all(len(asked[name][0]) >= 20 for name in ("state", "nonce", "code_challenge"))
    again = parse_qs(urlsplit(begin(client)).query)
    assert all(asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))


def test_groups_follow_the_claim_at_each_login(provider, log):  # noqa: F811
    come_back(provider)
    user = User.objects.get()
    UserFactory(username="other")
    provider.tells(ada={"groups": ["office-viewers", "office-admins"]})
    client = Client()
    come_back(provider, client)
    user.refresh_from_db()
    assert (groups(user), user.is_staff) == ({"viewer", "admin"}, True)
    assert client.get("/admin/").status_code == 200
    provider.tells(ada={"groups": "office-viewers"})
    come_back(provider)
    user.refresh_from_db()
    assert (groups(user), user.is_staff) == ({"viewer"}, False)
    assert client.get("/admin/").status_code == 403
    roles = [(each["event"], each["roles"]) for each in log.events() if "roles" in each]
    assert roles.count(("roles taken", "foreman")) == 1
    assert roles.count(("roles given", "admin, viewer")) == 1
    assert roles.count(("roles taken", "admin")) == 1


def test_one_who_lost_all_groups_is_refused_and_logged_out_everywhere(provider, log):  # noqa: F811
    client = Client()
    come_back(provider, client)
    assert is_in(client)
    provider.tells(ada={"groups": ["gardeners"]})
    refused = come_back(provider)
    assert refused.status_code == 403
    assert "None of your groups" in refused.text
    assert not is_in(client)
    assert groups(User.objects.get()) == set()
    assert not OfficeSession.objects.exclude(user=None).exists()
    assert log.events()[-1]["event"] == "login failed"
    assert log.events()[-1]["user"] == "ada"
    provider.tells(ada=FOREMEN)
    assert come_back(provider).url == "/"


def test_nobody_is_made_without_a_group_of_the_office(provider):
    for claims in ({"groups": ["gardeners"]}, {"groups": []}, {"groups": [{"a": 1}, None]}):
        provider.tells(ada=claims)
        assert come_back(provider).status_code == 403
    provider.tells()
    assert "does not say" in come_back(provider).text
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["ada", "Ada"])
def test_a_local_user_of_the_same_name_is_not_taken_over(provider, name):
    local = UserFactory(username=name, roles=["admin"], is_superuser=True, password="right")
    client = Client()
    come_back(provider, client)
    assert client.get("/account/").context["user"].username == "ada-2"
    assert groups(local) == {"admin"}
    come_back(provider)
    assert User.objects.count() == 2


def test_the_account_is_the_subject_and_not_the_name(provider):
    come_back(provider)
    provider.tells(ben=FOREMEN | {"preferred_username": "ada"})
    come_back(provider, name="ben")
    assert {*User.objects.values_list("username", flat=True)} == {"ada", "ada-2"}
    provider.tells(ada=FOREMEN | {"preferred_username": "renamed"})
    come_back(provider)
    assert User.objects.count() == 2
    # The same subject of another issuer is somebody else.
    OpenIDAccount.objects.update(issuer="https://elsewhere.example")
    come_back(provider)
    assert User.objects.count() == 3


@pytest.mark.parametrize("name", ["a b\n\x1b<c>", "x" * 400, "", "ａｄａ"])  # noqa: RUF001
def test_any_name_becomes_one_of_the_office(provider, name):
    provider.tells(ada=FOREMEN | {"preferred_username": name})
    come_back(provider)
    user = User.objects.get()
    user.full_clean(exclude=["password"])


@pytest.mark.django_db(transaction=True)
def test_two_first_logins_at_once_make_one_user(provider):
    backs = [(client := Client(), provider.sends_back(begin(client), "ada")) for _ in range(3)]

    def arrive(each):
        client, address = each
        try:
            return client.get(address).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as many:
        assert [*many.map(arrive, backs)] == [302] * 3
    assert User.objects.count() == 1


def test_a_closed_account_stays_closed(provider):
    come_back(provider)
    User.objects.update(is_active=False)
    assert "is closed" in come_back(provider).text


def test_the_code_of_a_second_factor_is_asked_for_too(client, provider):
    come_back(provider)
    user = User.objects.get()
    second_factor.begin_setup(user)
    second_factor.confirm(user, code_of(user))
    assert come_back(provider, client).url == "/login/code/"
    assert not is_in(client)
    assert client.post("/login/code/", {"code": code_of(user, 1)}).url == "/"
    assert client.session.get_expiry_age() <= 12 * 3600


def test_the_way_out_ends_the_session(client, provider):
    come_back(provider, client)
    client.post("/logout/")
    assert not is_in(client)


def test_it_leads_to_no_other_site(client, provider):
    assert come_back(provider, client, next="https://elsewhere.example/").url == "/"


# --- who does not ---------------------------------------------------------------------------------


def security_lines(log):  # noqa: F811
    return [each for each in log.objects if each["logger"] == "foreman.security"]


def refused(answer, status, words, log, reason):  # noqa: F811
    assert answer.status_code == status
    assert words in answer.text
    said = security_lines(log)[-1]
    assert (said["event"], said["reason"]) == ("login failed", reason)


def test_a_state_is_used_once_and_by_whom_it_was_given_to(client, provider, log):  # noqa: F811
    back = provider.sends_back(begin(client), "ada")
    refused(Client().get(back), 400, "Begin again", log, "unknown state")
    assert client.get(back).url == "/"
    refused(client.get(back), 400, "Begin again", log, "unknown state")
    without = client.get("/login/openid/callback/?code=x")
    refused(without, 400, "Begin again", log, "unknown state")


def test_a_code_of_another_login_is_refused(client, provider, log):  # noqa: F811
    """The attacker's code with the victim's state: the verifier is another one."""
    theirs = parse_qs(urlsplit(provider.sends_back(begin(Client()), "ben")).query)
    mine = parse_qs(urlsplit(begin(client)).query)
    back = {"code": theirs["code"][0], "state": mine["state"][0]}
    answer = client.get("/login/openid/callback/", back)
    refused(answer, 403, "refused the login", log, "refused by the provider: invalid_grant")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("claims", "words", "reason"),
    [
        ({"aud": "another office"}, "not for this office", "invalid token: invalid_claim"),
        ({"iss": "https://elsewhere.example"}, "not for this", "invalid token: invalid_claim"),
        ({"nonce": "of another login"}, "not for this office", "invalid token: invalid_claim"),
        ({"exp": 1_700_000_000}, "has expired", "expired token"),
        ({"sub": ""}, "not for this office", "invalid token: invalid_claim"),
        ({"groups": None}, "does not say", "missing claim"),
    ],
)
def test_a_token_that_is_not_for_this_login_is_refused(provider, log, claims, words, reason):  # noqa: F811
    provider.tells(ada=FOREMEN | claims)
    refused(come_back(provider), 403, words, log, reason)
    assert not User.objects.exists()


def test_a_token_that_is_signed_with_the_shared_secret_is_refused(provider, log, settings):  # noqa: F811
    settings.FOREMAN_OPENID_CLIENT_ID = "by-shared-secret"
    answer = come_back(provider)
    assert answer.status_code == 403
    assert security_lines(log)[-1]["reason"].startswith("invalid token")


def test_a_wrong_secret_is_told(provider, log, settings):  # noqa: F811
    settings.FOREMAN_OPENID_CLIENT_SECRET = "another"
    refused(come_back(provider), 403, "refused", log, "refused by the provider: invalid_client")


def test_a_provider_that_says_it_is_another_is_not_asked(client, provider, log, settings):  # noqa: F811
    settings.FOREMAN_OPENID_ISSUER = provider.issuer.replace("localhost", "127.0.0.1")
    answer = client.post("/login/openid/")
    refused(answer, 503, "another provider", log, "wrong issuer")


def test_a_provider_that_is_away_is_told_and_asked_again(client, provider, log, settings):  # noqa: F811
    there, settings.FOREMAN_OPENID_ISSUER = provider.issuer, f"http://localhost:{free_port()}/o"
    refused(client.post("/login/openid/"), 503, "cannot be reached", log, "provider away")
    settings.FOREMAN_OPENID_ISSUER = there
    assert come_back(provider, client).url == "/"


def test_what_the_browser_says_of_an_error_is_not_repeated(client, provider, log):  # noqa: F811
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    for error, reason in (("access_denied", "access_denied"), ("<b>\nx", "unknown")):
        back = {"state": state, "error": error, "error_description": "<script>"}
        answer = client.get("/login/openid/callback/", back)
        refused(answer, 403, "refused the login", log, f"refused by the provider: {reason}")
        assert "script>alert" not in answer.text
        assert back["error"] not in answer.text


def test_failures_are_counted(client, provider):
    for _ in range(attempts.MOST):
        assert client.get("/login/openid/callback/?state=x").status_code == 400
    assert client.get("/login/openid/callback/?state=x").status_code == 429
    assert client.post("/login/openid/").status_code == 429


def test_no_secret_of_a_login_is_stored_or_logged(client, provider, log):  # noqa: F811
    back = provider.sends_back(begin(client), "ada")
    client.get(back)
    client.get(back)
    code = parse_qs(urlsplit(back).query)["code"][0]
    kept = str([row.get_decoded() for row in OfficeSession.objects.all()])
    for secret in (code, "_state_", "code_verifier", "a secret of both"):
        assert secret not in "\n".join(log.lines) + kept


def test_without_the_setting_there_is_no_such_door(client, db):
    assert not openid.is_configured()
    assert client.post("/login/openid/").status_code == 404
    assert client.get("/login/openid/callback/").status_code == 404
    assert "openid" not in client.get("/login/").text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (("http://club.example", "x", "openid", {"a": "viewer"}), "https"),
        (("https://u:p@club.example", "x", "openid", {"a": "viewer"}), "https"),
        (("https://club.example", "", "openid", {"a": "viewer"}), "CLIENT_ID"),
        (("https://club.example", "x", "profile", {"a": "viewer"}), "SCOPE"),
        (("https://club.example", "x", "openid", {}), "GROUPS"),
        (("https://club.example", "x", "openid", {"a": "superuser"}), "GROUPS"),
    ],
)
def test_wrong_settings_stop_the_start(values, words):
    from django.core.exceptions import ImproperlyConfigured

    from kit.web.provider_settings import check_provider

    with pytest.raises(ImproperlyConfigured, match=words):
        check_provider(*values)
