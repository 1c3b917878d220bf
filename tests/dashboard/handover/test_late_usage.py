"""What is reported late of an hour is in the handover of the hour in which it came."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from builders.models import UsageArrival
from foreman_office.dashboard.handover import content
from tests.dashboard.spend.test_spend_pages import use
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def cost(monkeypatch):
    """Return what a handover between two hours says that work cost."""
    monkeypatch.setattr(content, "hour_of", lambda place: place)
    return lambda begin, end: sum(content.costs_of(begin, end).values())


def test_usage_is_told_once_in_the_handover_of_the_hour_in_which_it_came(cost):
    task, hour = TaskFactory(), now().replace(minute=0, second=0, microsecond=0)
    use(task, 1, kind="cost", ago=timedelta(0))
    use(task, 2, kind="cost", ago=2 * HOUR)
    use(task, 1_000_000, ago=3 * HOUR, price=Decimal("0.000004"))  # estimated: 4 dollars
    # As if the last had come an hour before the others.
    UsageArrival.objects.filter(usage_hour__kind="input").update(received_hour=hour - HOUR)
    for begin, end, said in (
        (-5, -1, 0),
        (-1, 0, 4),
        (0, 1, 3),
        (1, 3, 0),
        (-5, 0, 4),
        (-1, 1, 7),
        (-5, 1, 7),
        (-2, 1, 7),
    ):
        assert cost(hour + begin * HOUR, hour + end * HOUR) == said, (begin, end)


def test_what_comes_in_its_own_hour_is_noted_nowhere_else():
    use(TaskFactory(), 1, kind="cost", ago=timedelta(0))
    assert not UsageArrival.objects.exists()
