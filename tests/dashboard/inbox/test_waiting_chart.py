"""How many decisions waited when, by the notices that are kept of them."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from foreman_office.dashboard.inbox.waiting_chart import number_at_once, waiting_over_time
from governance.models import Notice
from kit.web.time_axis import TimeAxis

HOUR = timedelta(hours=1)


def noted(key, opened, closed=None, broken=False):
    return Notice.objects.create(
        key=key,
        kind="stall",
        broken=broken,
        title=key,
        since=opened,
        opened_at=opened,
        closed_at=closed,
    )


@pytest.mark.django_db
def test_without_a_notice_there_is_no_chart(person):
    assert waiting_over_time(now()) == (None, 0, None, 7)
    assert person.get(reverse("decisions")).status_code == 200


@pytest.mark.django_db
def test_what_waited_is_drawn_with_how_long_it_did(person):
    at = now()
    noted("a", at - 20 * HOUR, at - 18 * HOUR, broken=True)
    noted("b", at - 19 * HOUR, at - 9 * HOUR)
    noted("c", at - 3 * HOUR)
    noted("long over", at - 400 * HOUR, at - 300 * HOUR)
    told = waiting_over_time(at)
    assert (told.settled, told.median) == (2, 6 * HOUR)
    assert told.chart.summary.startswith("Decisions that waited: 1 now, 2 at most.")
    everything, broken = told.chart.series
    assert [point.value for point in everything.points] == [1, 2, 1, 0, 1, 1]
    assert [point.value for point in broken.points] == [1, 0, 0]
    text = person.get(reverse("decisions")).text
    assert "2 settled in 7 days, half of them within 6 h" in text


START = now().replace(microsecond=0)
hours = st.integers(-20, 100)


@given(st.lists(st.tuples(hours, st.none() | st.integers(1, 50)), max_size=8))
def test_at_each_moment_as_many_are_counted_as_there_are(spans):
    axis = TimeAxis(START, START + 200 * HOUR)
    moments = [
        (START + begin * HOUR, START + (begin + length) * HOUR if length else None)
        for begin, length in spans
    ]
    moments = [(a, b) for a, b in moments if b is None or b > START]
    points = number_at_once(moments, axis)
    for point in points[:-1]:
        assert point.value == sum(a <= point.at and (b is None or b > point.at) for a, b in moments)
    assert [point.at for point in points] == sorted({point.at for point in points})
