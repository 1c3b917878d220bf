"""Whom to tell, what to tell, and real servers to tell it to."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from foreman_office.dashboard.inbox.reconciling import Reconciling, reconcile
from foreman_office.notifications.delivering import attempt_delivery
from governance.models import Delivery, Notice
from kit.core.roles import Role
from tests.factories import UserFactory
from tests.notifications.receiver import receiver

NOTICE_TIMES = ("opened_at", "since", "closed_at", "worsened_at")
NOTICE_TIMES += ("snoozed_at", "snoozed_until", "assigned_at")


@pytest.fixture(autouse=True)
def mail_is_set_up(settings):
    settings.FOREMAN_MAIL_IS_SET_UP = True
    settings.FOREMAN_URL = "https://office.example"


@pytest.fixture
def ada():
    user = UserFactory(username="ada", email="ada@example.org")
    user.groups.add(Group.objects.get(name=Role.FOREMAN))
    return user


@pytest.fixture
def sweep():
    """Reconcile as the watcher does after a sweep."""
    return Reconciling(lambda words: None)


def let_pass(**time):
    """Let time pass: what was noted and queued happened so much earlier."""
    with connection.cursor() as cursor:
        for table, columns in (
            ("notices", NOTICE_TIMES),
            ("deliveries", ("queued_at", "finished_at")),
        ):
            moved = ", ".join(f"{each} = {each} - %(by)s" for each in columns)
            cursor.execute(f"UPDATE {table} SET {moved}", {"by": timedelta(**time)})
        for notice in Notice.objects.all():
            notice.openings = [
                (datetime.fromisoformat(each) - timedelta(**time)).isoformat()
                for each in notice.openings
            ]
            notice.save(update_fields=["openings"])


@pytest.fixture
def later():
    return let_pass


@pytest.fixture
def deliver():
    """Make the next attempt of everything that is queued, as a worker does."""

    def deliver():
        for key in list(Delivery.objects.queued().values_list("pk", flat=True)):
            attempt_delivery(str(key), reconcile)
        return list(Delivery.objects.order_by("queued_at", "pk"))

    return deliver


@pytest.fixture
def hooks(settings):
    """A server on this machine that channels may reach."""
    settings.FOREMAN_PRIVATE_CHANNELS = True
    with receiver() as running:
        yield running
