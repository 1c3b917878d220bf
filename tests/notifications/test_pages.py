"""The pages: rules, channels, messages, and one decision with who has it."""

import pytest
from django.db import connection
from django.urls import reverse

from foreman_office.notifications.secrets import decrypt
from governance.models import Channel, Delivery, Notice, NotificationRule
from programs.actions import archive_program
from tests.factories import GovernanceViolationFactory, ProgramFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_foreman(client, ada):
    client.force_login(ada)
    return client


@pytest.fixture
def as_admin(client):
    client.force_login(UserFactory(username="eve", roles=["admin"]))
    return client


def test_a_person_makes_changes_and_deletes_a_rule(as_foreman, ada):
    page = as_foreman.get(reverse("notifications"))
    assert "two minutes after" in page.content.decode()
    sent = {"band": "all", "delay_seconds": "0", "repeat_minutes": "30", "is_on": "on"}
    sent |= {"quiet_from": "22:00", "quiet_until": "06:00", "digest_at": "08:00"}
    assert as_foreman.post(reverse("notifications"), sent).status_code == 302
    rule = NotificationRule.objects.get(user=ada)
    assert (rule.band, rule.repeat_minutes, rule.zone, rule.kinds) == ("all", 30, "UTC", [])
    page = as_foreman.get(reverse("notifications")).content.decode()
    assert "repeated every 30 min until it is acknowledged" in page
    address = reverse("notification_rule", args=[rule.pk])
    assert as_foreman.get(address).status_code == 200
    assert as_foreman.post(address, sent | {"kinds": ["violation"]}).status_code == 302
    rule.refresh_from_db()
    assert rule.kinds == ["violation"]
    assert as_foreman.post(address, sent | {"quiet_until": ""}).status_code == 422
    as_foreman.post(reverse("notification_rule_delete", args=[rule.pk]))
    assert not NotificationRule.objects.exists()


def test_a_rule_offers_no_archived_program_but_those_that_it_names(as_foreman, ada):
    kept, put_away = ProgramFactory(name="Kept"), ProgramFactory(name="Old", state="failed")
    sent = {"band": "all", "delay_seconds": "0", "is_on": "on", "program_ids": [put_away.pk]}
    assert as_foreman.post(reverse("notifications"), sent).status_code == 302
    archive_program(put_away, reason="It is over.", by=ada)
    page = as_foreman.get(reverse("notifications")).text
    assert f'value="{kept.pk}"' in page
    assert f'value="{put_away.pk}"' not in page
    assert as_foreman.post(reverse("notifications"), sent).status_code == 422
    address = reverse("notification_rule", args=[NotificationRule.objects.get().pk])
    assert f'value="{put_away.pk}"' in as_foreman.get(address).text
    assert as_foreman.post(address, sent).status_code == 302


def test_an_admin_makes_a_channel_whose_secret_is_shown_once(as_admin):
    sent = {"name": "team", "kind": "webhook", "address": "https://hooks.example.org/T0/token"}
    answer = as_admin.post(reverse("channels"), sent)
    channel = Channel.objects.get()
    secret = decrypt(channel.secret_encrypted)
    assert secret in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    for name in ("channels", "deliveries", "notifications"):
        page = as_admin.get(reverse(name)).content.decode()
        assert secret not in page
        assert "T0/token" not in page
    address = reverse("channel", args=[channel.pk])
    assert "T0/token" not in as_admin.get(address).content.decode()
    assert as_admin.post(address, {"name": "all of us"}).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, decrypt(channel.secret_encrypted)) == ("all of us", secret)
    wrong = [{"address": "ftp://example.org"}, {"kind": "email"}, {"secret": "whsec_short"}]
    for changed in wrong:
        answer = as_admin.post(reverse("channels"), sent | {"name": "other"} | changed)
        assert answer.status_code == 422, changed


def test_a_test_message_has_a_page_that_says_how_it_went(as_foreman, deliver):
    answer = as_foreman.post(reverse("notifications_test"), follow=True)
    assert "No worker has tried it yet" in answer.content.decode()
    assert "No worker is running" in answer.content.decode()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    page = as_foreman.get(answer.redirect_chain[-1][0]).content.decode()
    assert "No worker is running" not in page
    [row] = deliver()
    page = as_foreman.get(reverse("delivery", args=[row.pk])).content.decode()
    assert "Sent" in page
    assert "hx-trigger" not in page.partition("message")[2].partition("</section>")[0]
    listed = as_foreman.get(reverse("deliveries"), {"state": "sent"}).content.decode()
    assert "Test message of Foreman Office" in listed


def test_a_decision_has_a_page_and_says_who_has_it(as_foreman, ada, task, sweep):
    violation = GovernanceViolationFactory(task=task)
    key = f"violation-task-{task.pk}-{violation.pk}"
    address = reverse("decision", args=[key])
    assert "I have it" in as_foreman.get(address).content.decode()
    # Before a sweep has noted it.
    as_foreman.post(reverse("decision_acknowledge", args=[key]))
    assert Notice.objects.get(key=key).acknowledged_by == "ada"
    for page in (address, reverse("inbox"), reverse("decisions")):
        shown = as_foreman.get(page).content.decode()
        assert "<b>ada</b> has it" in shown
        assert "Give it back" in shown
    type(violation).objects.update(resolved_at="2099-01-01T00:00:00Z", resolution="Repaired.")
    sweep()
    assert "This is over" in as_foreman.get(address).content.decode()
    assert as_foreman.post(reverse("decision_give_back", args=[key])).status_code == 409
    assert as_foreman.get(reverse("decision", args=["no-such"])).status_code == 404


def test_what_did_not_arrive_is_sent_again_or_set_aside_from_its_card(as_foreman, ada):
    target = f"user-{ada.pk}"
    Delivery.objects.create(
        reason="test", user=ada, target=target, addressee="ada, by e-mail", state="failed",
        why="550 no such mailbox", finished_at="2026-01-01T00:00:00Z",
    )  # fmt: skip
    page = as_foreman.get(reverse("inbox")).content.decode()
    assert "1 message did not reach ada, by e-mail" in page
    as_foreman.post(reverse("deliveries_resend", args=[target]))
    assert Delivery.objects.get().state == "queued"
    Delivery.objects.update(state="failed", finished_at="2026-01-01T00:00:00Z")
    as_foreman.post(reverse("deliveries_set_aside", args=[target]))
    assert Delivery.objects.get().settled_by == "ada"
    assert "did not reach" not in as_foreman.get(reverse("inbox")).content.decode()


def test_a_decision_is_snoozed_and_assigned_on_its_card(as_foreman, task, sweep):
    UserFactory(username="bob", roles=["foreman"])
    violation = GovernanceViolationFactory(task=task)
    key = f"violation-task-{task.pk}-{violation.pk}"
    as_foreman.post(reverse("decision_assign", args=[key]), {"person": "bob"})
    assert "Assigned to <b>bob</b> by ada" in as_foreman.get(reverse("inbox")).content.decode()
    as_foreman.post(reverse("decision_snooze", args=[key]), {"minutes": "60"})
    inbox = as_foreman.get(reverse("inbox")).content.decode()
    assert f'id="{key}"' not in inbox
    assert "1 broken, but snoozed" in inbox
    assert f'id="{key}"' not in as_foreman.get(reverse("decisions")).content.decode()
    listed = as_foreman.get(reverse("decisions"), {"snoozed": "yes"}).content.decode()
    assert "Snoozed by <b>ada</b> until" in listed
    assert (
        f'id="{key}"' in as_foreman.get(reverse("decisions"), {"snoozed": "all"}).content.decode()
    )
    assert (
        f'id="{key}"'
        in as_foreman.get(
            reverse("decisions"), {"snoozed": "all", "person": "bob"}
        ).content.decode()
    )
    as_foreman.post(reverse("decision_wake", args=[key]))
    assert f'id="{key}"' in as_foreman.get(reverse("inbox")).content.decode()
    for sent in ({"minutes": "7"}, {"minutes": "60", "until": "2020-01-01T00:00"}, {}):
        assert as_foreman.post(reverse("decision_snooze", args=[key]), sent).status_code == 422
    answer = as_foreman.post(reverse("decision_assign", args=[key]), {"person": "nobody at all"})
    assert answer.status_code == 422
    assert (
        as_foreman.post(reverse("decision_snooze", args=["no-such"]), {"minutes": "60"}).status_code
        == 409
    )
