"""Decisions that are put off or assigned: what is told, when they come back, who may have them."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils.timezone import now

from foreman_office.dashboard.inbox.inbox_cards import list_bands
from foreman_office.dashboard.inbox.pending_decisions import count_pending
from foreman_office.dashboard.inbox.reconciling import reconcile
from foreman_office.notifications import actions
from governance.actions import raise_blocker
from governance.models import Delivery, Notice, NotificationRule, OfficeLogEntry
from kit.core.acts import Refused
from tests.dashboard.inbox.decisions import read_builders
from tests.factories import GovernanceViolationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def violation(task):
    return GovernanceViolationFactory(task=task)


@pytest.fixture
def notice(violation, sweep):
    sweep()
    return Notice.objects.get(broken=True)


@pytest.fixture
def bob():
    return UserFactory(username="bob", email="bob@example.org", roles=["foreman"])


def snooze(notice, by, **time):
    until = now() + timedelta(**time) if time else None
    return actions.snooze(notice, until=until, impact=notice.impact, by=by)


def log():
    """Return what people did, each once: to let time pass moves what they did, too."""
    rows = OfficeLogEntry.objects.filter(subject_kind="decision", username__isnull=False)
    return list(dict.fromkeys(rows.order_by("sequence").values_list("action", "username")))


def test_what_is_snoozed_is_not_told_until_its_time_is_over(ada, notice, sweep, later, deliver):
    NotificationRule.objects.create(user=ada, delay_seconds=0, repeat_minutes=10)
    sweep()
    assert [row.reason for row in deliver()] == ["opened"]
    snooze(notice, ada, hours=1)
    later(minutes=30)
    sweep()
    assert len(deliver()) == 1
    later(minutes=31)
    sweep()
    sweep()
    assert [row.reason for row in deliver()] == ["opened", "repeated"]
    assert log() == [("decision_snoozed", "ada")]


def test_a_snooze_that_is_over_is_a_reminder_without_a_rule_of_repeats(
    ada, notice, sweep, later, deliver
):
    NotificationRule.objects.create(user=ada, delay_seconds=0)
    sweep()
    deliver()
    snooze(notice, ada, hours=1)
    later(minutes=61)
    sweep()
    deliver()
    later(minutes=61)
    sweep()
    assert [row.reason for row in deliver()] == ["opened", "repeated"]


def test_the_next_person_is_told_only_so_long_after_the_snooze(
    ada, bob, notice, sweep, later, deliver
):
    NotificationRule.objects.create(
        user=ada, delay_seconds=0, next_user=bob, next_minutes=15, kinds=["violation"]
    )
    NotificationRule.objects.create(user=bob, is_on=False)
    sweep()
    deliver()
    snooze(notice, ada, hours=1)
    later(minutes=61)
    sweep()
    deliver()
    assert {message.to[0] for message in mail.outbox} == {"ada@example.org"}
    later(minutes=16)
    sweep()
    deliver()
    assert mail.outbox[-1].to == ["bob@example.org"]


def test_what_is_snoozed_before_it_left_is_suppressed(ada, notice, sweep, later, deliver):
    later(minutes=3)
    sweep()
    snooze(notice, ada, hours=1)
    [row] = deliver()
    assert (row.state, row.why) == ("suppressed", "Snoozed by ada before it left.")


def test_what_gets_worse_wakes_and_is_told(ada, notice, sweep, later, deliver):
    NotificationRule.objects.create(user=ada, delay_seconds=0)
    sweep()
    deliver()
    snooze(notice, ada)
    sweep()
    notice.refresh_from_db()
    assert notice.snoozed_at
    Notice.objects.update(snoozed_impact=0, impact=0)  # it holds up more than that now
    [worse] = list_bands(count_pending(), read_builders()).broken
    assert not worse.snoozed  # at once, before a sweep
    later(minutes=1)
    reconcile()  # as a sweep does each minute, and whenever other decisions are pending
    sweep()
    notice.refresh_from_db()
    assert notice.snoozed_at is None
    assert notice.worsened_at
    assert [row.reason for row in deliver()] == ["opened", "worsened"]
    assert log() == [("decision_snoozed", "ada")]
    assert OfficeLogEntry.objects.filter(action="decision_snooze_ended").count() == 1


def test_what_is_snoozed_leaves_the_bands_and_is_counted(ada, notice, task):
    raise_blocker(task, classification="protected_path", description="It needs it.", by=None)
    before = count_pending()
    snooze(notice, ada, hours=1)
    due = count_pending()
    bands = list_bands(due, read_builders())
    assert notice.key not in {each.key for each in bands.broken}
    assert (bands.snoozed_broken, bands.snoozed_waiting) == (1, 0)
    assert (due.broken, due.waiting) == (before.broken, before.waiting)
    assert "1 violation unresolved (1 snoozed)" in due.broken_words
    Notice.objects.update(
        snoozed_until=now() - timedelta(seconds=1), snoozed_at="2020-01-01T00:00Z"
    )
    assert notice.key in {each.key for each in list_bands(count_pending(), read_builders()).broken}


def test_what_waits_and_is_snoozed_is_not_counted_as_waiting(ada, task, sweep):
    raise_blocker(task, classification="protected_path", description="It needs it.", by=None)
    sweep()
    notice = Notice.objects.get(kind="blocker")
    waiting = count_pending().waiting
    snooze(notice, ada)
    assert count_pending().waiting == waiting - 1
    assert list_bands(count_pending(), read_builders()).snoozed_waiting == 1
    actions.end_snooze(notice, by=ada)
    assert count_pending().waiting == waiting


def test_a_snooze_ends_in_time_to_come(ada, notice):
    with pytest.raises(Refused) as refused:
        snooze(notice, ada, hours=-1)
    assert refused.value.rule == "notices_snoozed_check"


def test_an_assignment_is_told_once_to_the_assignee(ada, bob, notice, sweep, later, deliver):
    NotificationRule.objects.create(user=ada, is_on=False)
    NotificationRule.objects.create(user=bob, band="all", kinds=["plan"])
    actions.assign_decision(notice, person="bob", by=ada)
    sweep()
    sweep()
    deliver()
    [message] = mail.outbox
    assert message.to == ["bob@example.org"]
    assert message.subject.startswith("Assigned to bob: ")
    assert "Assigned to bob by ada." in message.body
    actions.assign_decision(notice, person="ada", by=ada)  # who needs not be told
    sweep()
    later(minutes=1)
    actions.assign_decision(notice, person="bob", by=ada)
    sweep()
    deliver()
    assert len(mail.outbox) == 2
    actions.assign_decision(notice, person="", by=ada)
    assert log() == [("decision_assigned", "ada"), ("decision_unassigned", "ada")]


def test_what_is_assigned_to_another_before_it_left_is_not_told(ada, bob, notice, sweep, deliver):
    NotificationRule.objects.create(user=bob, band="all", kinds=["plan"])
    NotificationRule.objects.create(user=ada, is_on=False)
    actions.assign_decision(notice, person="bob", by=ada)
    sweep()
    actions.assign_decision(notice, person="ada", by=ada)
    [row] = deliver()
    assert (row.state, row.why) == ("suppressed", "Assigned to another person before it left.")


@pytest.mark.parametrize("roles", [["viewer"], ["admin"], []])
def test_only_who_can_decide_is_an_assignee(ada, notice, roles):
    UserFactory(username="carl", roles=roles)
    for name in ("carl", "nobody at all"):
        with pytest.raises(Refused) as refused:
            actions.assign_decision(notice, person=name, by=ada)
        assert refused.value.rule == "governance_assignee_decides"
    notice.refresh_from_db()
    assert notice.assigned_to == ""
    assert not Delivery.objects.filter(reason="assigned").exists()
