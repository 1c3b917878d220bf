"""Usage is counted once: the database against a plain model, and what it keeps and forgets."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st

from builders.actions import count_usage
from builders.models import UsageHour, UsageKind, UsagePoint, UsageRemark, UsageSeries, UsageSource
from builders.retention import POINTS_KEPT_FOR, SERIES_KEPT_FOR, prune_usage
from builders.usage import DataPoint, Remark, stored_value
from tests.scenes import undone

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
MINUTE = 60 * 10**9
BEGAN_NS = int(BEGAN.timestamp()) * 10**9
TASKS = [None, UUID(int=1), UUID(int=2)]


def point(minute=1, value=10, started=0, series="a", is_cumulative=True, **more):
    """Return a point of a series, so many minutes after the beginning."""
    return DataPoint(
        **{
            "service": "claude-code",
            "session": "s",
            "source": UsageSource.AGENT_METRIC,
            "digest": f"{series} {is_cumulative}".encode().ljust(32),
            "is_cumulative": is_cumulative,
            "model": "m",
            "kind": UsageKind.INPUT,
            "part_of": None,
            "started_ns": BEGAN_NS + started * MINUTE,
            "at_ns": BEGAN_NS + minute * MINUTE,
            "value": stored_value(value),
            "task": None,
            **more,
        }
    )


def used(*by):
    """Return what is counted, by these columns."""
    rows = UsageHour.objects.counted().values_list(*by).annotate(sum=Sum("amount"))
    return {tuple(key): total for *key, total in rows.order_by(*by) if total}


def total():
    return UsageHour.objects.counted().aggregate(sum=Sum("amount"))["sum"] or 0


# --- counted once ---------------------------------------------------------------------------------


def modelled(points):
    """Return what a set of points counts for by task and hour: each once, in the order of time."""
    found = defaultdict(Decimal)
    series = defaultdict(dict)
    for each in points:
        series[each.digest, each.started_ns].setdefault(each.at_ns, each)
    for of_time in series.values():
        ordered = [of_time[at] for at in sorted(of_time)]
        for before, each in pairwise([None, *ordered]):
            step = each.value
            if each.is_cumulative and before and each.value >= before.value:
                step -= before.value
            hour = BEGAN.replace(minute=0) + timedelta(
                hours=(each.at_ns - BEGAN_NS + 30 * MINUTE) // (60 * MINUTE)
            )
            found[each.task, hour] += step
    return {key: amount for key, amount in found.items() if amount}


exported = st.builds(
    point,
    minute=st.integers(1, 8).map(lambda n: n * 17),  # about two hours
    value=st.integers(0, 5),
    started=st.integers(0, 1),  # a process, and the one that took its place
    series=st.sampled_from("ab"),
    is_cumulative=st.booleans(),
)


def of_one_time(points):
    """Give each point the task of its time, and what is the same point the same value."""
    first = {}
    for each in points:
        key = each.digest, each.started_ns, each.at_ns
        value = first.setdefault(key, each.value)
        yield each._replace(value=value, task=TASKS[each.at_ns // MINUTE % len(TASKS)])


@given(
    points=st.lists(exported, max_size=25).map(lambda found: [*of_one_time(found)]), data=st.data()
)
def test_each_point_counts_once_whatever_the_order_and_however_often_it_comes(
    builder, points, data
):
    with undone():
        left = data.draw(st.permutations(points + points[: len(points) // 2]))
        while left:  # in exports of some points each
            size = data.draw(st.integers(1, len(left)))
            count_usage("ui-builder", left[:size])
            left = left[size:]
        assert used("task_id", "hour") == modelled(points)


def test_what_a_series_counted_is_not_counted_again_by_a_late_point(builder):
    for minute, value in [(1, 10), (40, 50), (20, 30), (20, 30), (5, 10)]:
        count_usage("ui-builder", [point(minute, value)])
    assert [*used("hour").values()] == [30, 20]
    assert total() == 50


def test_a_counter_that_fell_began_again(builder):
    count_usage("ui-builder", [point(1, 10), point(2, 4), point(3, 5), point(9, 7, started=4)])
    assert total() == 10 + 5 + 7


def test_a_repetition_with_another_value_is_told_and_not_counted(builder):
    assert count_usage("ui-builder", [point(1, 10)]) == (1, 0, 0)
    assert count_usage("ui-builder", [point(1, 10), point(1, 12)]) == (0, 2, 1)
    assert total() == 10


def test_a_part_is_taken_out_of_the_whole(builder):
    cached = {"kind": UsageKind.CACHE_READ, "part_of": UsageKind.INPUT}
    for minute, whole, part in [(1, 100, 60), (3, 300, 200), (2, 150, 80)]:
        count_usage("ui-builder", [point(minute, whole), point(minute, part, series="b", **cached)])
    assert used("kind") == {("cache_read",): 200, ("input",): 100}


# --- from the highest source ----------------------------------------------------------------------


def test_of_a_session_only_the_highest_source_counts(builder):
    """Logs come first, by the second; metrics by the minute, and tell the same."""
    logged = {"series": "l", "is_cumulative": False, "source": UsageSource.AGENT_EVENT}
    count_usage("ui-builder", [point(1, 7, **logged)])
    assert total() == 7
    count_usage("ui-builder", [point(2, 9)])
    count_usage("ui-builder", [point(3, 2, **logged)])
    assert total() == 9
    count_usage("ui-builder", [point(4, 5, **logged, session="of logs alone")])
    assert total() == 14
    # A cost comes from where a cost is told.
    cost = {"kind": UsageKind.COST, "value": Decimal("0.25")}
    count_usage("ui-builder", [point(5, **logged | cost | {"series": "c"})])
    assert used("kind") == {("cost",): Decimal("0.25"), ("input",): 14}


def test_metrics_without_a_session_are_of_all_sessions_of_the_day(builder):
    logged = {"series": "l", "is_cumulative": False, "source": UsageSource.AGENT_EVENT}
    count_usage("ui-builder", [point(1, 7, **logged, session="x")])
    count_usage("ui-builder", [point(2, 7, session="")])
    count_usage("ui-builder", [point(3, 7, **logged, session="y")])
    assert total() == 7


# --- estimates ------------------------------------------------------------------------------------


def test_an_estimate_is_made_by_the_price_at_the_time(builder):
    priced, unpriced = {"price": Decimal("0.000003")}, {"price": None}
    count_usage("ui-builder", [point(1, 1_000_000, **priced)])
    count_usage("ui-builder", [point(2, 1_500_000, **unpriced)])
    sums = UsageHour.objects.aggregate(Sum("amount"), Sum("estimate"), Sum("unpriced"))
    assert list(sums.values()) == [1_500_000, 3, 500_000]


# --- what is kept ---------------------------------------------------------------------------------


def test_points_go_and_the_newest_of_a_cumulative_series_stays(builder):
    delta = {"series": "d", "is_cumulative": False}
    count_usage("ui-builder", [point(1, 10), point(2, 20), point(3, 30), point(1, 5, **delta)])
    assert prune_usage() == 0
    UsagePoint.objects.update(received_at=BEGAN - POINTS_KEPT_FOR)
    assert prune_usage(batch=2) == 3
    assert UsagePoint.objects.get().value == 30
    # What comes late now was counted; what is new goes on from there.
    assert count_usage("ui-builder", [point(2, 20)]) == (0, 1, 0)
    count_usage("ui-builder", [point(4, 45)])
    assert total() == 45 + 5
    UsagePoint.objects.update(received_at=BEGAN - SERIES_KEPT_FOR)
    UsageSeries.objects.update(seen_at=BEGAN - SERIES_KEPT_FOR)
    assert prune_usage() == 2
    assert not UsageSeries.objects.exists()
    assert total() == 45 + 5


def test_of_what_was_not_understood_the_newest_twenty_are_kept(builder):
    count_usage("ui-builder", [], [Remark("x", "unknown")] * 3)
    assert UsageRemark.objects.get().times == 3
    for number in range(25):
        count_usage("ui-builder", [], [Remark(f"metric {number}", "unknown")])
    kept = UsageRemark.objects.values_list("subject", flat=True)
    assert set(kept) == {f"metric {number}" for number in range(5, 25)}


def test_a_count_that_cannot_be_one_is_not_stored():
    wrong = [-1, -0.5, float("nan"), float("inf"), 10**15 + 1, 1e300]
    assert [stored_value(each) for each in wrong] == [None] * len(wrong)
    assert stored_value(0.1) == Decimal("0.1")
