"""Bulk actions use the same functions as pages and commands."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from builders import actions
from builders.models import Builder, BuilderToken
from governance.models import Blocker, Evidence, GovernanceViolation, OfficeSession
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.pooled]

resolvable = pytest.mark.parametrize(
    ("model", "factory", "words"),
    [
        (Blocker, BlockerFactory, "resolution_action"),
        (GovernanceViolation, GovernanceViolationFactory, "resolution"),
    ],
)


def carried(page):
    """Return what the page would post again with the answer."""
    data = {}
    for name, value in page.context["carried"]:
        data.setdefault(name, []).append(value)
    return data


@resolvable
def test_what_was_done_is_asked_first(office, model, factory, words):
    rows = factory.create_batch(2)
    page = office.act(model, "resolve", rows, index="0", select_across="0")
    assert page.status_code == 200
    assert page.context["count"] == 2
    assert not model.objects.exclude(resolved_at=None).exists()
    again = office.client.post(page.request["PATH_INFO"], carried(page) | {"resolution": " "})
    assert again.context["form"].errors == {"resolution": ["This field is required."]}
    assert not model.objects.exclude(resolved_at=None).exists()


@resolvable
def test_many_are_resolved_with_one_answer(office, model, factory, words):
    rows = factory.create_batch(3)
    left, *chosen = rows
    page = office.act(model, "resolve", chosen, index="0", select_across="0")
    done = office.client.post(page.request["PATH_INFO"], carried(page) | {"resolution": "Fixed."})
    assert done.status_code == 302
    resolved = model.objects.exclude(resolved_at=None)
    assert {row.pk for row in resolved} == {row.pk for row in chosen}
    assert {getattr(row, words) for row in resolved} == {"Fixed."}
    noun = "blocker" if model is Blocker else "violation"
    trail = Evidence.objects.filter(action=f"{noun}_resolved")
    assert [row.context["user"] for row in trail] == ["carol", "carol"]
    assert LogEntry.objects.filter(change_message="Resolved.").count() == 2
    left.refresh_from_db()
    assert left.resolved_at is None


@resolvable
def test_what_is_resolved_already_keeps_its_answer(office, model, factory, words):
    row = factory()
    office.act(model, "resolve", [row], resolution="First.")
    office.act(model, "resolve", [row], resolution="Second.")
    row.refresh_from_db()
    assert getattr(row, words) == "First."


@resolvable
def test_all_that_match_are_resolved_across_pages(office, model, factory, words, monkeypatch):
    monkeypatch.setattr(admin.site.get_model_admin(model), "list_per_page", 5)
    rows = factory.create_batch(7)
    data = {"index": "0", "select_across": "1"}
    page = office.act(model, "resolve", rows[:1], **data)
    assert page.context["count"] == 7
    office.client.post(page.request["PATH_INFO"], carried(page) | {"resolution": "Fixed."})
    assert not model.objects.filter(resolved_at=None).exists()


@resolvable
def test_resolving_takes_the_permission_to_change(client, model, factory, words):
    user = UserFactory(is_staff=True)
    opts = model._meta
    codename = f"view_{opts.model_name}"
    user.user_permissions.add(Permission.objects.get(codename=codename))
    client.force_login(user)
    row = factory()
    client.post(
        f"/admin/{opts.app_label}/{opts.model_name}/",
        {"action": "resolve", "_selected_action": [str(row.pk)], "resolution": "Fixed."},
    )
    row.refresh_from_db()
    assert row.resolved_at is None


def issued(page):
    """Return the one token that the page shows."""
    [text] = re.findall(r"<code>([^<]+)</code>", page.content.decode())
    return text


def test_a_token_is_shown_once_and_kept_nowhere(office, caplog):
    caplog.set_level("DEBUG")
    builder = BuilderFactory()
    text = issued(office.act(Builder, "issue_token", [builder]))
    token = BuilderToken.objects.get()
    assert bytes(token.digest) == actions.token_digest(text)
    assert text.startswith(token.prefix)

    assert text not in caplog.text
    assert all(text not in cookie.value for cookie in office.client.cookies.values())
    assert all(text not in str(session.get_decoded()) for session in OfficeSession.objects.all())
    assert not LogEntry.objects.filter(change_message__contains=text).exists()
    assert not Evidence.objects.filter(context__icontains=text).exists()
    for url in (
        office.url(Builder, "change", builder.pk),
        office.url(BuilderToken, "changelist"),
        office.url(BuilderToken, "change", token.pk),
    ):
        assert text not in office.client.get(url).content.decode()


def test_a_token_is_not_kept_by_the_browser(office):
    page = office.act(Builder, "issue_token", [BuilderFactory()])
    assert "no-store" in page.headers["Cache-Control"]
    assert page.request["QUERY_STRING"] == ""


def test_a_token_is_issued_from_the_builders_page(office):
    builder = BuilderFactory()
    page = office.client.post(
        office.url(builder, "change", builder.pk),
        {"CHANGE_FORM-action": "issue_token", "_selected_action": [builder.pk]},
    )
    assert actions.token_digest(issued(page)) == bytes(builder.tokens.get().digest)


def test_a_third_valid_token_is_refused_in_words(office):
    builder = BuilderFactory()
    for _ in range(2):
        office.act(Builder, "issue_token", [builder])
    for url, name in (
        (office.url(Builder, "changelist"), "action"),
        (office.url(builder, "change", builder.pk), "CHANGE_FORM-action"),
    ):
        page = office.client.post(url, {name: "issue_token", "_selected_action": [builder.pk]})
        assert page.status_code == 302
        [message] = office.client.get(page.url).context["messages"]
        assert "two valid tokens: revoke one first" in str(message)
    assert builder.tokens.count() == 2


def test_tokens_are_revoked_for_good(office):
    token, _ = actions.issue_token(BuilderFactory(), by=None)
    assert office.act(BuilderToken, "revoke", [token]).status_code == 302
    token.refresh_from_db()
    revoked = token.revoked_at
    assert revoked
    office.act(BuilderToken, "revoke", [token])
    token.refresh_from_db()
    assert token.revoked_at == revoked
    assert LogEntry.objects.filter(change_message="Revoked.").count() == 1


@pytest.mark.parametrize("permission", ["view_builder", "change_builder"])
def test_issuing_takes_the_permission_to_add_tokens(client, permission):
    user = UserFactory(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_login(user)
    client.post(
        "/admin/builders/builder/",
        {"action": "issue_token", "_selected_action": ["ui-builder"]},
    )
    assert not BuilderToken.objects.exists()
