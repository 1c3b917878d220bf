"""Every address with every role, by GET and by POST: who sees what, who may do what.

What is answered is for one alone, so no browser and no proxy may store it.
"""

from contextlib import nullcontext
from copy import deepcopy
from itertools import product

import pytest
from django.contrib.auth.models import Group, Permission
from django.http import FileResponse
from django.test import Client
from django.urls import get_resolver, reverse

from kit.core.roles import Role
from tests.addresses_tried import arguments
from tests.api.addresses import ADDRESSES
from tests.factories import UserFactory
from tests.scenes import undone

pytestmark = pytest.mark.django_db

GOVERNED = ("programs", "builders", "governance")
ROLES = ["anonymous", "nobody", "builder", "viewer", "foreman", "admin", "superuser"]

# What an address answers: to GET, and to POST. A decision that is refused (409) or lacks a field
# (422) was let in; so was one that leads on (302).
LET_IN = {200, 302, 409, 422}
TO_LOGIN = {302}
# Whoever sends a form without a login stays where the form is, and keeps what was filled in.
ENDED = {401}


def all_roles(answer):
    return dict.fromkeys(ROLES, answer)


def answers(anonymous, outside, reader, decider, admin=None):
    return {
        "anonymous": anonymous,
        "nobody": outside,
        "builder": outside,
        "viewer": reader,
        "foreman": decider,
        "admin": admin or reader,
        "superuser": decider,
    }


def alike(*by_role):
    """Answer GET and POST alike, after a login."""
    return {"GET": answers(TO_LOGIN, *by_role), "POST": answers(ENDED, *by_role)}


READS = alike({403}, {200}, {200})
OVERSEES = alike({403}, {403}, {200}, {200})
STREAM = READS | {"POST": answers(ENDED, {403}, {405}, {405})}
DECIDES = {
    "GET": answers(TO_LOGIN, {403}, {403}, {405}),
    "POST": answers(ENDED, {403}, {403}, LET_IN),
}
ADMINISTERS, ADMINISTERS_ACT = (
    {
        "GET": answers(TO_LOGIN, {403}, {403}, {403}, shown) | {"superuser": shown},
        "POST": answers(ENDED, {403}, {403}, {403}, LET_IN) | {"superuser": LET_IN},
    }
    for shown in ({200}, {405})
)
OVERSEES_ACT = {
    "GET": answers(TO_LOGIN, {403}, {403, 405}, {405}, {405}),
    "POST": answers(ENDED, {403}, {403}, LET_IN, LET_IN),
}
# A form that is shown to whoever may decide, and taken back filled in.
WRITES = {
    "GET": answers(TO_LOGIN, {403}, {403}, {200}),
    "POST": answers(ENDED, {403}, {403}, LET_IN),
}
# What is chosen in a list is shown to whoever reads, who may export it.
CHOOSES = {
    "GET": answers(TO_LOGIN, {403}, {200}, {200}),
    "POST": answers(ENDED, {403}, {403}, {404}),
}
# Without a program there is nothing to export, and without proof there is no certificate.
EXPORTS = WRITES | {"GET": answers(TO_LOGIN, {403}, {403}, {422})}
CERTIFICATE = {
    "GET": answers(TO_LOGIN, {403}, {404}, {404}),
    "POST": answers(ENDED, {403}, {404}, {404}),
}
# What has begun is not deleted, whoever asks.
DELETES = alike({403}, {403}, {404})
# Whoever is logged in may choose how the page looks, whatever else is closed to them.
OWN = {
    "GET": answers(TO_LOGIN, {405}, {405}, {405}),
    "POST": answers(ENDED, {302}, {302}, {302}),
}
# One's own account is everybody's who is logged in.
ACCOUNT = {
    "GET": answers(TO_LOGIN, {200}, {200}, {200}),
    "POST": answers(ENDED, {422}, {422}, {422}),
}
# A view is its owner's; there is none of this key.
OWN_VIEW = {
    "GET": answers(TO_LOGIN, {403}, {405}, {405}),
    "POST": answers(ENDED, {403}, {404}, {404}),
}
OWN_SECRET = {
    "GET": answers(TO_LOGIN, {405}, {405}, {405}),
    "POST": answers(ENDED, {422}, {422}, {422}),
}
DOOR = {
    "GET": all_roles({302}) | {"anonymous": {200}},
    "POST": all_roles({302}) | {"anonymous": {200}},
}
INVITATION = {"GET": all_roles({200}), "POST": all_roles({302})}
WAY_OUT = {"GET": all_roles({405}), "POST": all_roles({302})}
# The API knows tokens and no sessions: no person gets in, whatever the role.
API = {"GET": all_roles({401, 405}), "POST": all_roles({401, 405})}
API_DOCUMENT = {"GET": all_roles({200}), "POST": all_roles({200})}
API_PAGE = {"GET": all_roles({200}), "POST": all_roles({405})}
API_ROOT = {"GET": all_roles({404}), "POST": all_roles({404})}
METRICS = {"GET": all_roles({404}), "POST": all_roles({405})}  # without a token in the settings
HEALTH = {"GET": all_roles({200, 503}), "POST": all_roles({200, 405, 503})}

EXPECTED = {
    "inbox": READS,
    "decisions": READS,
    "decision": READS,
    **dict.fromkeys(("decision_acknowledge", "decision_give_back"), DECIDES),
    **dict.fromkeys(("decision_snooze", "decision_wake", "decision_assign"), DECIDES),
    "notes": READS,
    "handover": READS,
    "handover_read": OVERSEES_ACT | {"POST": answers(ENDED, {403}, LET_IN, LET_IN)},
    "handover_mail": DECIDES,
    **dict.fromkeys(("note_write", "note_withdraw"), DECIDES),
    "notifications": READS | {"POST": answers(ENDED, {403}, LET_IN, LET_IN)},
    "broken_now": STREAM,
    "notifications_test": OVERSEES_ACT | {"POST": answers(ENDED, {403}, LET_IN, LET_IN)},
    "notification_rule": alike({403}, {404}, {404}),
    "notification_rule_delete": alike({403}, {404, 405}, {404, 405}),
    "channels": OVERSEES | {"POST": answers(ENDED, {403}, {403}, {403, 422}, {422})},
    "channel": ADMINISTERS,
    "channel_test": OVERSEES_ACT,
    **dict.fromkeys(("channel_enable", "channel_disable", "channel_delete"), ADMINISTERS_ACT),
    **dict.fromkeys(("deliveries", "delivery"), OVERSEES),
    **dict.fromkeys(("delivery_resend", "deliveries_resend", "deliveries_set_aside"), DECIDES),
    "login": DOOR,
    "login_code": {"GET": all_roles({302}), "POST": all_roles({302})},
    "login_once": INVITATION,
    "openid_login": {"GET": all_roles({405}), "POST": all_roles({404})},
    "openid_callback": {"GET": all_roles({404}), "POST": all_roles({405})},
    "logout": WAY_OUT,
    "account": ACCOUNT,
    "account_sessions_end": OWN,
    "organisation_choose": OWN | {"POST": answers(ENDED, {404}, {404}, {404})},
    "second_factor": {
        "GET": answers(TO_LOGIN, {200}, {200}, {200}),
        "POST": answers(ENDED, {405}, {405}, {405}),
    },
    "second_factor_begin": OWN_SECRET,
    "second_factor_confirm": OWN_SECRET,
    "second_factor_remove": OWN_SECRET,
    "recovery_codes_renew": OWN_SECRET,
    "search": READS,
    "saved_view_list": READS,
    "saved_view": alike({403}, {404}, {404}),
    "saved_view_save": OWN_VIEW | {"POST": answers(ENDED, {403}, {422}, {422})},
    "columns_choose": OWN_VIEW | {"POST": answers(ENDED, {403}, {422}, {422})},
    **dict.fromkeys(("saved_view_change", "saved_view_delete"), OWN_VIEW),
    "choice": OWN,
    "zone": {
        "GET": answers(TO_LOGIN, {200}, {200}, {200}),
        "POST": answers(ENDED, {405}, {405}, {405}),
    },
    **dict.fromkeys(("programs:program_bulk", "programs:task_bulk"), CHOOSES),
    "governance:blocker_bulk": CHOOSES,
    "programs:program_list": READS,
    "programs:task_list": READS,
    "programs:program": READS,
    "programs:program_forecast": READS,
    "programs:wave_forecast": READS,
    "programs:program_new": WRITES,
    "programs:program_edit": WRITES,
    "programs:program_delete": DELETES,
    "programs:program_add_wave": WRITES,
    "programs:program_approve": DECIDES,
    "programs:program_allow_pull": DECIDES,
    "programs:program_forbid_pull": DECIDES,
    "programs:program_budget": DECIDES,
    "programs:program_archive": DECIDES,
    "programs:program_unarchive": DECIDES,
    "programs:program_fail": DECIDES,
    "programs:program_send_back": DECIDES,
    "programs:program_unblock": DECIDES,
    "programs:wave": READS,
    "programs:wave_edit": WRITES,
    "programs:wave_delete": DELETES,
    "programs:wave_add_task": WRITES,
    "programs:wave_start": DECIDES,
    "programs:wave_accept": DECIDES,
    "programs:wave_fail": DECIDES,
    "programs:wave_unblock": DECIDES,
    "programs:task": READS,
    "programs:task_certificate": CERTIFICATE,
    "programs:task_edit": WRITES,
    "programs:task_delete": DELETES,
    "programs:task_validate": WRITES,
    "programs:task_report": WRITES,
    "programs:task_evidence": WRITES,
    "programs:task_note": DECIDES,
    "programs:task_link": DECIDES,
    "programs:task_link_remove": DECIDES,
    "programs:task_start": DECIDES,
    "programs:task_complete": DECIDES,
    "programs:task_fail": DECIDES,
    "programs:task_unblock": DECIDES,
    "programs:task_send_back": DECIDES,
    "builders:builder_list": READS,
    "badge_svg": {"GET": all_roles({404}), "POST": all_roles({405})},
    "badge_json": {"GET": all_roles({404}), "POST": all_roles({405})},
    "builders:badge_list": READS,
    "builders:badge_make": DECIDES,
    "builders:badge_revoke": DECIDES,
    "builders:ci_token_list": READS,
    "builders:ci_token_issue": DECIDES,
    "builders:ci_token_revoke": DECIDES,
    "builders:builder": READS,
    "builders:builder_issue_token": DECIDES,
    "builders:token_revoke": DECIDES,
    "builders:builder_budget": DECIDES,
    "builders:builder_pause": DECIDES,
    "builders:builder_resume": DECIDES,
    "builders:builder_threshold": DECIDES,
    "builders:question_answer": DECIDES,
    "builders:task_assign": DECIDES,
    "builders:task_release": DECIDES,
    "governance:why": READS,
    "governance:blocker_list": READS,
    "governance:blocker_new": READS,
    "governance:blocker_raise": DECIDES,
    "governance:blocker_resolve": DECIDES,
    "governance:evidence": READS,
    "governance:evidence_archive": WRITES,
    "governance:evidence_archive_zip": EXPORTS,
    "governance:evidence_list": READS,
    "governance:evidence_proof": alike({403}, {404}, {404}),
    "governance:office_log": OVERSEES,
    "governance:replay": READS,
    "governance:office_log_proof": alike({403}, {403}, {404}, {404}),
    "governance:quality": READS,
    **{f"governance:quality_{of}s": READS for of in ("run", "validation")},
    **{f"governance:quality_{of}": READS for of in ("run", "test", "validation")},
    "governance:spend": READS,
    "governance:plan_import": WRITES,
    "governance:plan_export": READS,
    "governance:violation_list": READS,
    "governance:violation_new": READS,
    "governance:violation_record": DECIDES,
    "governance:violation_resolve": DECIDES,
    "live:stream": STREAM,
    "api:openapi-json": API_DOCUMENT,
    "api:api-root": API_ROOT,
    **{f"api:{name}": API for name in ADDRESSES},
    **dict.fromkeys(("mcp", "otlp_metrics", "otlp_logs"), API),
    **dict.fromkeys(("api_docs", "client"), API_PAGE),  # the client has no secret in it
    **dict.fromkeys(("healthz", "readyz"), HEALTH),
    "metrics": METRICS,
}


# A file for everyone, and what a browser is told to clear.
STORED = {"client", "logout"}


def named_urls(resolver, namespaces=()):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from named_urls(pattern, inner)
        else:
            yield ":".join([*namespaces, pattern.name or str(pattern.pattern)]), pattern


URLS = dict(named_urls(get_resolver()))
OURS = {name: pattern for name, pattern in URLS.items() if not name.startswith("admin:")}
ADMIN = {name: pattern for name, pattern in URLS.items() if name.startswith("admin:")}


def test_every_address_has_its_entry():
    assert OURS.keys() == EXPECTED.keys()


@pytest.fixture
def people():
    """Somebody of each role, or nobody at all, with a client."""
    found = {}
    for role in ROLES:
        client, user = Client(), None
        if role != "anonymous":
            user = UserFactory(
                roles=[role] if role in Role else [],
                is_superuser=role == "superuser",
                is_staff=role in ("admin", "superuser"),
            )
            client.force_login(user)
        found[role] = client, user
    return found


def who_asks(name, roles):
    """Yield each role with each method: a page that is read is posted to by one reader alone."""
    for method, role in product(("GET", "POST"), roles):
        read = EXPECTED[name] is READS and method == "POST"
        if not (read and role in ("foreman", "admin", "superuser")):
            yield method, role


# Others are answered as one of these.
USUAL = ("anonymous", "viewer", "foreman", "admin")


@pytest.mark.slow
@pytest.mark.parametrize(
    "roles", [USUAL, pytest.param({*ROLES} - {*USUAL}, marks=pytest.mark.thorough)]
)
def test_each_role_gets_what_is_its_own_and_no_browser_stores_it(people, roles):
    wrong = []
    for name in EXPECTED:
        with undone():
            found = arguments(name, OURS[name], None)
            for method, role in who_asks(name, roles):
                # What one may decide, the next may.
                with nullcontext() if method == "GET" else undone():
                    wrong += faults_of_answer(people[role], method, name, role, found)
    assert wrong == []


def faults_of_answer(person, method, name, role, found):
    """Ask an address as somebody, and return what is wrong with the answer."""
    logged_in, user = person
    if "token" in found:
        found = arguments(name, OURS[name], user)
    client = Client()  # which may be logged out
    client.cookies = deepcopy(logged_in.cookies)
    response = ask(client, method, name, found)
    expected = EXPECTED[name][method][role]
    right = response.status_code in expected
    if role == "anonymous" and expected is TO_LOGIN:
        right = right and response.url.startswith(reverse("login"))
    right = (is_not_stored(response) or name in STORED) and right
    return [] if right else [f"{method} {name} as {role}: {response}"]


def is_not_stored(response):
    if isinstance(response, FileResponse):
        assert response.getvalue()  # which closes the file
    return "no-store" in response.headers.get("Cache-Control", "")


def ask(client, method, name, found):
    address = reverse(name, kwargs=found)
    if method == "GET":
        return client.get(address)
    if name.startswith("api:"):
        return client.post(address, {}, content_type="application/json")
    return client.post(address, {"theme": "dark"} if name == "choice" else {})


def test_roles_are_groups_made_by_migration():
    assert {*Group.objects.values_list("name", flat=True)} == {role.value for role in Role}
    admin = Group.objects.get(name="admin").permissions
    assert {*admin.values_list("content_type__app_label", flat=True)} == {*GOVERNED, "auth"}
    people = admin.filter(content_type__app_label="auth").values_list("codename", flat=True)
    assert {*people} == {"view_user", "add_user", "change_user", "view_group"}
    assert not Permission.objects.filter(group__name__in=["foreman", "viewer", "builder"]).exists()
