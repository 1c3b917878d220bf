"""Every address with every role, by GET and by POST: who sees what, who may do what."""

from itertools import product
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction
from django.http import FileResponse
from django.test import Client
from django.urls import get_resolver, reverse

from foreman_office.kit.roles import Role
from foreman_office.login_link import make_login_link
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    BuilderPauseFactory,
    BuilderTokenFactory,
    CompletionClaimFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    QAExecutionFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

ROLES = ["anonymous", "nobody", "builder", "viewer", "foreman", "admin", "superuser"]

# What an address answers: to GET, and to POST. A decision that is refused (409) or lacks a field
# (422) was let in; so was one that leads on (302).
LET_IN = {200, 302, 409, 422}
TO_LOGIN = {302}


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


READS = {
    "GET": answers(TO_LOGIN, {403}, {200}, {200}),
    "POST": answers(TO_LOGIN, {403}, {200}, {200}),
}
STREAM = READS | {"POST": answers(TO_LOGIN, {403}, {405}, {405})}
DECIDES = {
    "GET": answers(TO_LOGIN, {403}, {403}, {405}),
    "POST": answers(TO_LOGIN, {403}, {403}, LET_IN),
}
# A form that is shown to whoever may decide, and taken back filled in.
WRITES = {
    "GET": answers(TO_LOGIN, {403}, {403}, {200}),
    "POST": answers(TO_LOGIN, {403}, {403}, LET_IN),
}
# What has begun is not deleted, whoever asks.
DELETES = {
    "GET": answers(TO_LOGIN, {403}, {403}, {404}),
    "POST": answers(TO_LOGIN, {403}, {403}, {404}),
}
# Whoever is logged in may choose how the page looks, whatever else is closed to them.
OWN = {
    "GET": answers(TO_LOGIN, {405}, {405}, {405}),
    "POST": answers(TO_LOGIN, {302}, {302}, {302}),
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
    "login": DOOR,
    "login_once": INVITATION,
    "logout": WAY_OUT,
    "search": READS,
    "choice": OWN,
    "zone": {
        "GET": answers(TO_LOGIN, {200}, {200}, {200}),
        "POST": answers(TO_LOGIN, {405}, {405}, {405}),
    },
    "programs:program_list": READS,
    "programs:task_list": READS,
    "programs:program": READS,
    "programs:program_new": WRITES,
    "programs:program_edit": WRITES,
    "programs:program_delete": DELETES,
    "programs:program_add_wave": WRITES,
    "programs:program_approve": DECIDES,
    "programs:program_fail": DECIDES,
    "programs:wave": READS,
    "programs:wave_edit": WRITES,
    "programs:wave_delete": DELETES,
    "programs:wave_add_task": WRITES,
    "programs:wave_start": DECIDES,
    "programs:wave_fail": DECIDES,
    "programs:task": READS,
    "programs:task_edit": WRITES,
    "programs:task_delete": DELETES,
    "programs:task_start": DECIDES,
    "programs:task_complete": DECIDES,
    "programs:task_fail": DECIDES,
    "programs:task_send_back": DECIDES,
    "builders:builder_list": READS,
    "builders:builder": READS,
    "builders:builder_issue_token": DECIDES,
    "builders:token_revoke": DECIDES,
    "builders:builder_pause": DECIDES,
    "builders:builder_resume": DECIDES,
    "builders:task_assign": DECIDES,
    "builders:task_release": DECIDES,
    "governance:why": READS,
    "governance:blocker_list": READS,
    "governance:blocker_new": READS,
    "governance:blocker_raise": DECIDES,
    "governance:blocker_resolve": DECIDES,
    "governance:evidence": READS,
    "governance:evidence_list": READS,
    "governance:quality": READS,
    "governance:quality_run": READS,
    "governance:quality_runs": READS,
    "governance:quality_validations": READS,
    "governance:plan_import": WRITES,
    "governance:plan_export": READS,
    "governance:violation_list": READS,
    "governance:violation_new": READS,
    "governance:violation_record": DECIDES,
    "governance:violation_resolve": DECIDES,
    "live:stream": STREAM,
    "api:openapi-json": API_DOCUMENT,
    "api:api-root": API_ROOT,
    "api:heartbeat": API,
    "api:assignment": API,
    "api:qa_run": API,
    "api:claim": API,
    "api:escalation": API,
    "api:validation": API,
    "api_docs": API_PAGE,
    "healthz": HEALTH,
    "readyz": HEALTH,
    "metrics": METRICS,
}


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


def arguments(name, pattern, user):
    """Return what stands in an address, anew for each: what was decided is not undecided."""
    keys = pattern.pattern.converters.keys()
    task = TaskFactory(state="in-progress")
    found = {
        "programs:program": task.wave.program_id,
        "programs:wave": task.wave_id,
        "programs:task": task.pk,
        "builders:builder": "qa-builder",
        "builders:task": task.pk,
        "governance:plan": task.wave.program_id,
        "governance:blocker": None,
        "governance:violation": None,
    }
    if "token" in keys:
        return {"token": make_login_link(user or UserFactory()).split("/")[-2]}
    if "kind" in keys:
        return {"kind": "task", "pk": task.pk}
    if "sequence" in keys:
        return {"sequence": task.evidence[0].sequence}
    if "task_id" in keys:
        return {"task_id": uuid4()}
    if "pk" not in keys:
        return {}
    if name == "governance:quality_run":
        return {"pk": QAExecutionFactory(task=task).pk}
    if name == "builders:token_revoke":
        return {"pk": BuilderTokenFactory().pk}
    if name == "governance:blocker_resolve":
        return {"pk": BlockerFactory(entity=task).pk}
    if name == "governance:violation_resolve":
        return {"pk": GovernanceViolationFactory(task=task).pk}
    return {"pk": found["_".join(name.split("_")[:1])]}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_role_gets_what_is_its_own(name, people):
    wrong = []
    for (method, expected), role in product(EXPECTED[name].items(), ROLES):
        client, user = people[role]
        with transaction.atomic():
            response = ask(client, method, name, user)
            connection.check_constraints()
            transaction.set_rollback(True)  # what one may decide, the next may
        if isinstance(response, FileResponse):
            assert response.getvalue()  # which closes the file
        right = response.status_code in expected[role]
        if role == "anonymous" and expected[role] is TO_LOGIN:
            right = right and response.url.startswith(reverse("login"))
        if not right:
            wrong.append(f"{method} as {role}: {response}")
    assert wrong == []


def ask(client, method, name, user):
    address = reverse(name, kwargs=arguments(name, OURS[name], user))
    if method == "GET":
        return client.get(address)
    if name.startswith("api:"):
        return client.post(address, {}, content_type="application/json")
    return client.post(address, {"theme": "dark"} if name == "choice" else {})


# --- the admin ------------------------------------------------------------------------------------

GOVERNED = ("programs", "builders", "governance")


@pytest.fixture
def rows():
    """A row of each model that the admin shows, by app and model."""
    task = TaskFactory()
    builder = BuilderFactory()
    made = [
        *(task, task.wave, task.wave.program, builder),
        *(BuilderTokenFactory(), HeartbeatFactory(), BlockerFactory(entity=task)),
        *(GovernanceViolationFactory(), ArchitectureValidationFactory(), QAExecutionFactory()),
        *(BuilderPauseFactory(), CompletionClaimFactory()),
        *(UserFactory(), Group.objects.get(name="viewer")),
        task.evidence[0],
    ]
    return {(row._meta.app_label, row._meta.model_name): row for row in made}


# Lists of one app and links back to the site say nothing that the other pages do not.
UNTRIED = {
    "admin:(?P<url>.*)$",
    "admin:<path:object_id>/",
    "admin:app_list",
    "admin:view_on_site",
}


def admin_addresses(rows):
    for name, pattern in ADMIN.items():
        app, _, rest = name.removeprefix("admin:").partition("_")
        model = rest.partition("_")[0]
        match [*pattern.pattern.converters]:
            case [] if name not in UNTRIED:
                yield name, app, reverse(name)
            case ["object_id"] if (app, model) in rows:
                yield name, app, reverse(name, args=[rows[app, model].pk])
            case ["id"]:
                yield name, app, reverse(name, args=[rows["auth", "user"].pk])


def test_every_address_of_the_admin_is_tried(rows):
    tried = {name for name, *_ in admin_addresses(rows)}
    assert ADMIN.keys() - tried == UNTRIED


def test_the_admin_is_for_admins(people, rows):
    wrong = []
    for name, app, address in admin_addresses(rows):
        if name in ("admin:login", "admin:logout"):
            continue
        answered = {role: client.get(address).status_code for role, (client, _) in people.items()}
        allowed = answered["superuser"]
        expected = all_roles(302) | {
            "superuser": allowed,
            "admin": 403 if app == "auth" else allowed,
        }
        if answered != expected:
            wrong.append((name, answered))
    assert wrong == []


def test_roles_are_groups_made_by_migration():
    assert {*Group.objects.values_list("name", flat=True)} == {role.value for role in Role}
    admin = Group.objects.get(name="admin").permissions.values_list("content_type__app_label")
    assert {*admin.values_list("content_type__app_label", flat=True)} == {*GOVERNED}
    assert not Permission.objects.filter(group__name__in=["foreman", "viewer", "builder"]).exists()


def test_one_who_reads_sees_no_button(client):
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    BlockerFactory(entity=task)
    GovernanceViolationFactory(task=task)
    pages = [
        reverse("inbox"),
        task.get_absolute_url(),
        task.wave.get_absolute_url(),
        task.wave.program.get_absolute_url(),
        reverse("governance:why", args=["task", task.pk]),
        reverse("builders:builder_list"),
        reverse("builders:builder", args=["ui-builder"]),
    ]
    for role, seen in (("viewer", False), ("foreman", True)):
        client.force_login(UserFactory(roles=[role]))
        for page in pages:
            assert ('class="offer"' in client.get(page).text) is seen, page


def test_one_without_a_role_is_told_so_and_can_leave(client):
    client.force_login(UserFactory(roles=[]))
    page = client.get("/")
    assert page.status_code == 403
    assert reverse("logout") in page.text
