"""The ages of what is open, as dots on one scale."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.dashboard.issues.ages import DRAWN, ages_chart, place
from governance.models import Blocker, GovernanceViolation
from tests.database import without_triggers
from tests.factories import BlockerFactory, GovernanceViolationFactory, TaskFactory

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_without_anything_open_there_is_nothing_to_draw():
    assert ages_chart(Blocker.objects.all(), "classification", now()) is None


def test_a_dot_leads_to_what_is_blocked_and_older_lies_further_along():
    at = now()
    tasks = [TaskFactory(state="in-progress") for _ in range(3)]
    for task, age in zip(tasks, (HOUR, 2 * DAY, MINUTE / 2), strict=True):
        BlockerFactory(entity=task, detected_at=at - age)
    chart = ages_chart(Blocker.objects.filter(resolved_at=None), "classification", at)
    (lane,) = chart.lanes
    assert [dot.href for dot in lane.dots] == [
        tasks[place].get_absolute_url() for place in (2, 0, 1)
    ]
    xs = [float(dot.x.rstrip("%")) for dot in lane.dots]
    assert xs == sorted(xs)
    assert xs[0] == 0
    assert chart.marks[-1].label == "7 d"
    assert chart.summary == "Ages of 3 open, the oldest 2 days."


def test_marks_are_in_order_and_the_scale_is_of_multiples():
    places = [place(age, 30 * DAY) for age in (MINUTE / 9, MINUTE, HOUR, DAY, 30 * DAY, 99 * DAY)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, 100)
    assert place(MINUTE, MINUTE) == 0
    tens = [place(times * MINUTE, 30 * DAY) for times in (1, 10, 100, 1000)]
    assert len({round(b - a, 6) for a, b in pairwise(tens)}) == 1


def test_very_many_are_cut_to_the_oldest_and_it_is_said():
    task, at = TaskFactory(state="in-progress"), now()
    with without_triggers():
        GovernanceViolation.objects.bulk_create(
            GovernanceViolation(
                task=task, violation_type="scope", description="x", detected_at=at - n * HOUR
            )
            for n in range(DRAWN + 5)
        )
    chart = ages_chart(GovernanceViolation.objects.all(), "violation_type", at)
    assert chart.is_cut
    assert sum(len(lane.dots) for lane in chart.lanes) == DRAWN


def test_the_lists_show_it_and_only_where_something_is_open(person):
    assert 'id="ages"' not in person.get(reverse("governance:blocker_list")).text
    BlockerFactory(entity=TaskFactory(state="in-progress"))
    violation = GovernanceViolationFactory(task=TaskFactory(state="in-progress"))
    assert 'id="ages"' in person.get(reverse("governance:blocker_list")).text
    text = person.get(reverse("governance:violation_list")).text
    assert violation.task.get_absolute_url() in text.partition('id="ages"')[2]
    resolved = person.get(reverse("governance:blocker_list"), {"state": "resolved"}).text
    assert 'id="ages"' not in resolved
