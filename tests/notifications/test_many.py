"""Ten thousand at once: one message to each, of a bounded size, by a bounded number of queries."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from foreman_office.notifications.delivering import attempt_delivery
from foreman_office.notifications.due import queue_due_messages
from foreman_office.notifications.wording import LISTED_AS_DATA, NOTED
from governance.models import Delivery, Notice, NotificationRule
from programs.models import Task
from tests.factories import ChannelFactory, TaskFactory, WaveFactory

pytestmark = pytest.mark.django_db

MANY = 10_000


@pytest.fixture
def rules(ada, hooks):
    """One rule for a person, and one for a webhook: they are told of each decision at once."""
    webhook = ChannelFactory(address=f"{hooks[1]}/200")
    for fields in ({"user": ada}, {"channel": webhook}):
        NotificationRule.objects.create(band="all", delay_seconds=0, **fields)


def note(number):
    before = Notice.objects.count()
    Notice.objects.bulk_create(
        Notice(key=f"{each}", kind="violation", broken=True, title=f"Broken {each}", since=now())
        for each in range(before, before + number)
    )


def queries(act, *arguments):
    with CaptureQueriesContext(connection) as asked:
        act(*arguments)
    return len(asked)


@pytest.mark.lengthy
def test_ten_thousand_at_once_are_one_message_to_each(rules, hooks, mailoutbox):
    note(10)
    few = queries(queue_due_messages, now())
    Delivery.objects.all().delete()
    note(MANY - 10)
    many = queries(queue_due_messages, now())
    assert many <= few + 30, "rows are written by the hundreds"
    assert queue_due_messages(now()) == 0
    rows = list(Delivery.objects.all())
    assert [row.notices.count() for row in rows] == [MANY, MANY]
    for row in rows:
        attempt_delivery(str(row.pk), lambda: None)
        row.refresh_from_db()
        assert (row.state, row.subject) == ("sent", f"New: at least {MANY} broken")
        assert len(row.body) < 5000
    assert len(mailoutbox) == 1
    [(_, _, body)] = hooks[0].requests
    told = json.loads(body)["data"]
    assert len(told["decisions"]) == LISTED_AS_DATA
    assert told["decisions_left_out"] == MANY - LISTED_AS_DATA


def fail(wave, number):
    """Let so many tasks fail, each of which is a decision to take."""
    before = Task.objects.count()
    Task.objects.bulk_create(
        TaskFactory.build(wave=wave, name=f"Task {before + each}", state="failed")
        for each in range(number)
    )


@pytest.mark.lengthy
def test_a_sweep_notes_no_more_of_a_kind_than_a_message_can_be_about(rules, sweep):
    wave = WaveFactory(state="in-progress")
    fail(wave, 20)
    few = queries(sweep)
    fail(wave, NOTED + 100)
    assert queries(sweep) <= few + 10
    assert Notice.objects.open().filter(kind="failed").count() == NOTED
    assert Delivery.objects.count() == 4, "to each addressee, one of the first and one of the rest"
    queries(sweep)
    assert Delivery.objects.count() == 4
