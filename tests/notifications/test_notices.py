"""What is noted, what is said of it to whom, and what is not said."""

import pytest
from django.core import mail

from foreman_office.notifications import actions
from governance.actions import raise_blocker, resolve_blocker
from governance.models import Delivery, Notice, NotificationRule, OfficeLogEntry
from tests.factories import BlockerFactory, GovernanceViolationFactory, TaskFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def violation(task):
    return GovernanceViolationFactory(task=task)


def resolve(violation):
    type(violation).objects.filter(pk=violation.pk).update(
        resolved_at="2099-01-01T00:00:00Z", resolution="Repaired."
    )


def test_what_is_broken_is_told_once_after_the_delay(ada, violation, sweep, later, deliver):
    sweep()
    assert Notice.objects.open().get(broken=True).kind == "violation"
    assert not Delivery.objects.exists()
    later(minutes=3)
    sweep()
    sweep()
    [row] = deliver()
    assert (row.state, row.reason, row.why) == ("sent", "opened", "")
    [message] = mail.outbox
    assert message.to == ["ada@example.org"]
    assert message.subject.startswith(f"Broken now: {violation.task.name}: Violation")
    assert f"https://office.example/decisions/violation-task-{violation.task_id}" in message.body
    assert str(row.pk) in message.extra_headers["Message-ID"]


def test_what_opened_and_closed_within_the_delay_says_nothing(ada, violation, sweep, later):
    sweep()
    resolve(violation)
    sweep()
    later(minutes=3)
    sweep()
    assert not Notice.objects.open().filter(broken=True).exists()
    assert not Delivery.objects.exists()


def test_what_is_no_longer_so_when_it_leaves_is_suppressed(ada, violation, sweep, later, deliver):
    sweep()
    later(minutes=3)
    sweep()
    resolve(violation)
    sweep()
    [row] = deliver()
    assert (row.state, row.why) == ("suppressed", "No longer so when it was to leave.")
    assert not mail.outbox


def test_a_decision_that_comes_and_goes_is_one_message(ada, task, sweep, later, deliver):
    NotificationRule.objects.create(user=ada, band="all", kinds=["blocker"])
    for _ in range(3):
        blocker = raise_blocker(
            task, classification="protected_path", description="It needs governance/.", by=None
        )
        sweep()
        deliver()
        later(minutes=1)
        resolve_blocker(blocker, resolution_action="Done.", by=None)
        sweep()
    assert len(mail.outbox) == 1
    assert "(3 times in 20 min)" in mail.outbox[0].subject
    assert Notice.objects.filter(kind="blocker").count() == 1


def test_reminders_end_when_somebody_has_it(ada, violation, sweep, later, deliver):
    NotificationRule.objects.create(user=ada, delay_seconds=0, repeat_minutes=30)
    sweep()
    later(minutes=31)
    deliver()
    sweep()
    assert [row.reason for row in deliver()] == ["opened", "repeated"]
    actions.acknowledge(Notice.objects.get(broken=True), by=ada)
    later(minutes=31)
    sweep()
    assert len(deliver()) == 2
    actions.give_back(Notice.objects.get(broken=True), by=ada)
    sweep()
    assert [row.reason for row in deliver()] == ["opened", "repeated", "repeated"]
    told = OfficeLogEntry.objects.filter(subject_kind="decision").order_by("sequence")
    assert [(row.action, row.username, row.witnessed) for row in told] == [
        ("decision_acknowledged", "ada", True),
        ("decision_given_back", "ada", True),
    ]


def test_the_next_person_is_told_where_nobody_has_it(ada, violation, sweep, later, deliver):
    bob = UserFactory(username="bob", email="bob@example.org", roles=[])
    NotificationRule.objects.create(user=ada, delay_seconds=0, next_user=bob, next_minutes=15)
    sweep()
    deliver()
    later(minutes=16)
    sweep()
    sweep()
    deliver()
    assert [message.to[0] for message in mail.outbox] == ["ada@example.org", "bob@example.org"]
    assert mail.outbox[1].subject.startswith("Not acknowledged: ")


def test_rules_choose_by_band_kind_program_and_quiet_hours(ada, violation, sweep, subtests):
    BlockerFactory(entity=TaskFactory())
    program = violation.task.wave.program
    allday = {"quiet_from": "00:00", "quiet_until": "23:59:59.999"}
    cases = [
        ({}, {"violation"}),
        ({"band": "all", "program_ids": [str(program.pk)]}, {"violation"}),
        ({"band": "all", "kinds": ["blocker"]}, {"blocker"}),
        ({"is_on": False}, set()),
        ({"band": "all", "kinds": ["blocker", "violation"], **allday}, {"violation"}),
        ({**allday, "quiet_spares_broken": False}, set()),
        ({"program_ids": ["00000000-0000-0000-0000-000000000000"]}, set()),
    ]
    for fields, wanted in cases:
        with subtests.test(**fields):
            Delivery.objects.all().delete()
            NotificationRule.objects.all().delete()
            NotificationRule.objects.create(user=ada, delay_seconds=0, **fields)
            sweep()
            told = Notice.objects.filter(deliveries__isnull=False)
            assert {notice.kind for notice in told} == wanted


def test_many_at_once_are_one_message(ada, sweep, later, deliver):
    for _ in range(5):
        GovernanceViolationFactory(task=TaskFactory())
    sweep()
    later(minutes=3)
    sweep()
    [row] = deliver()
    assert row.notices.count() == 5
    assert mail.outbox[0].subject == "New: 5 broken"
