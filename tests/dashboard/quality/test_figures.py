"""The figures of quality: what fails, what went backward, and how long suites took."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import now

from foreman_office.dashboard.quality import failing, figures, trends
from governance.models import (
    ArchitectureValidation,
    CompletionClaim,
    LatestRun,
    QAExecution,
    SuiteTurn,
)
from tests.dashboard.quality.test_quality_pages import SPEAKS, ago, judged, ran
from tests.database import without_triggers
from tests.factories import CompletionClaimFactory, TaskFactory

pytestmark = pytest.mark.django_db


def test_what_counts_now_is_the_latest_run_of_each_suite():
    task = TaskFactory()
    ran(task, 0, 5, executed_at=ago(hours=3))
    ran(task, 5, 0, executed_at=ago(hours=2))
    ran(task, 0, 3, qa_suite_location="elsewhere/")
    ran(passing=4, failing=1, skipped_tests=2)
    told = figures.suites_now(LatestRun.objects.all())
    assert (told.suites, told.green, told.partial, told.red) == (3, 1, 1, 1)
    assert (told.tests, told.passing, told.failing, told.skipped) == (15, 9, 4, 2)
    assert told.not_passing == 2


def test_debt_is_told_by_suite_the_deepest_first():
    for debt in (3, 0, 8):
        ran(test_debt_count=debt)
    told = figures.suites_now(LatestRun.objects.all())
    assert (told.debt, told.in_debt) == (11, 2)
    assert [run.test_debt_count for run in told.debtors] == [8, 3]


def test_nothing_adds_up_to_nothing():
    told = figures.suites_now(LatestRun.objects.all())
    assert [*told[:11]] == [0] * 11
    trend = trended()
    assert (trend.volume, trend.setbacks, trend.runs, trend.regressions) == (None, None, 0, 0)
    assert trends.time_to_green(SuiteTurn.objects.all()) == (0, None, None)
    assert figures.judged(ArchitectureValidation.objects.all()) == (0, 0)


def test_a_test_is_flaky_if_it_passed_when_it_was_run_again():
    task = TaskFactory()
    for name, times in (("often", 3), ("once", 1)):
        for number in range(times):
            ran(task, named=[(name, "passed", True)], executed_at=ago(hours=1 + number))
    ran(task, 0, 1, named=[("plainly red", "failed", False)])
    number, tests = figures.flaky_tests(QAExecution.objects.all())
    assert number == 2
    assert [(test.name, test.times, test.task) for test in tests] == [
        ("often", 3, task),
        ("once", 1, task),
    ]


def test_flaky_tests_are_counted_beyond_those_that_are_named():
    ran(named=[(f"test {number}", "passed", True) for number in range(figures.SHOWN + 3)])
    number, tests = figures.flaky_tests(QAExecution.objects.all())
    assert (number, len(tests)) == (figures.SHOWN + 3, figures.SHOWN)


def test_items_that_fail_are_counted_and_odd_results_do_no_harm():
    judged(ready=False)
    judged(ready=False)
    judged()
    for odd in ([], {"section": "no items"}, {"documents": {"plan": None}}):
        row = judged(ready=False)
        with without_triggers():  # from before results had to be objects
            ArchitectureValidation.objects.filter(pk=row.pk).update(validation_results=odd)
    items = figures.failing_items(ArchitectureValidation.objects.all())
    assert items == [("documents", "plan", 3)]


def test_days_are_those_of_the_readers_zone(settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    ran(passing=9, failing=1, executed_at=datetime(2026, 1, 5, 10, tzinfo=UTC))
    ran(passing=10, executed_at=datetime(2026, 1, 5, 12, tzinfo=UTC))
    first, last = datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)
    slots = trends.by_time(QAExecution.objects.all(), "day", first, last)
    assert [(slot.at.day, slot.runs, slot.green, slot.partial, slot.red) for slot in slots] == [
        (5, 1, 0, 1, 0),
        (6, 1, 1, 0, 0),
    ]


def test_a_day_on_which_clocks_go_back_is_one_day(settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    first, last = datetime(2026, 4, 4, 11, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC)
    for hour in (0, 24):  # the first of that day and its last, an hour longer than others
        ran(executed_at=datetime(2026, 4, 4, 11, 30, tzinfo=UTC) + timedelta(hours=hour))
    slots = trends.by_time(QAExecution.objects.all(), "day", first, last)
    assert [(slot.at.day, slot.runs) for slot in slots] == [(5, 2)]
    assert slots[0].ends.timestamp() - slots[0].at.timestamp() == 25 * 3600


def trended(at=None):
    everything = (model.objects.all() for model in (QAExecution, SuiteTurn, CompletionClaim))
    return trends.trend(*everything, at or now(), lambda **asked: f"/?{asked['since']:%H}")


@pytest.mark.parametrize(
    ("first", "unit"), [({"hours": 2}, "5 minutes"), ({"hours": 5}, "hour"), ({"days": 9}, "day")]
)
def test_a_trend_is_drawn_by_the_day_and_what_is_young_more_finely(first, unit):
    ran(passing=0, failing=3, executed_at=ago(**first))
    ran(passing=4, failing=0, executed_at=ago(minutes=3))
    told = trended()
    assert (told.unit, told.runs, told.green) == (unit, 2, 1)
    assert told.volume.summary == f"QA runs per {unit}: 2 in all."
    widths = {bar.span[1] - bar.span[0] for bar in told.volume.bars}
    assert len(widths) == 1 or unit == "day"  # the youngest bar is as wide as any
    assert all(bar.href for bar in told.volume.bars)
    told.volume.axis.ticks  # noqa: B018  which can be drawn


def test_bars_are_stacked_by_status_and_their_table_has_every_number():
    at = datetime(2026, 1, 5, 10, tzinfo=UTC)
    for passing, failed in ((3, 0), (3, 0), (2, 1), (0, 3)):
        ran(passing=passing, failing=failed, executed_at=at)
    volume = trended(at + timedelta(days=3)).volume
    (stack,) = volume.columns
    assert [(each.bar.value, each.bar.begins, each.bar.tone) for each in stack.uprights] == [
        (2, 0, "done"),
        (1, 2, "blocked"),
        (1, 3, "failed"),
    ]
    assert stack.words == "5 Jan: 4 runs, 2 green, 1 partial, 1 red"
    assert volume.headings == ["From", "Green", "Partial", "Red"]
    assert [row.values for row in volume.rows] == [["2", "1", "1"]]
    assert volume.measured == "runs"


def test_setbacks_are_suites_that_are_green_no_more_and_refused_claims():
    task = TaskFactory()
    for hours, passing in ((9, 0), (8, 2), (7, 1), (6, 0), (5, 2), (4, 0)):
        ran(task, passing, 2 - passing, executed_at=ago(hours=hours))
    for accepted in (False, True):
        CompletionClaimFactory(task=task, accepted=accepted, claimed_at=ago(hours=3))
    told = trended()
    assert (told.regressions, told.refused) == (2, 1)
    assert sum(sum(map(int, row.values)) for row in told.setbacks.rows) == 3


def test_time_to_green_counts_from_the_first_run_that_was_not():
    for hours in (1, 2, 10):
        task = TaskFactory()
        ran(task, 0, 1, executed_at=ago(hours=hours + 1))
        ran(task, 0, 1, executed_at=ago(hours=1.5))
        ran(task, 1, 0, executed_at=ago(hours=1))
    told = trends.time_to_green(SuiteTurn.objects.all())
    assert told.suites == 3
    assert round(told.median.total_seconds() / 3600, 1) == 2
    assert round(told.nine_in_ten.total_seconds() / 3600, 1) == 8.4


def test_failing_suites_are_told_newly_failing_first_and_then_the_worst():
    fell = TaskFactory(name="Fell")
    ran(fell, 3, 0, executed_at=ago(hours=9))
    ran(fell, 2, 1, named=[("it broke", "failed", False)], executed_at=ago(hours=2))
    ran(fell, 2, 1, named=[("it broke", "failed", False)], executed_at=ago(hours=1))
    partial = TaskFactory(name="Partial")
    ran(partial, 1, 19)
    ran(TaskFactory(name="Red"), 0, 5)
    ran(TaskFactory(name="Green"))
    recovered = TaskFactory(name="Recovered")
    for hours, failed in ((9, 0), (8, 1), (7, 0)):
        ran(recovered, 1, failed, executed_at=ago(hours=hours))
    newly = failing.newly_failing(SuiteTurn.objects.all())
    assert [suite.task for suite in newly] == [fell]
    suites = failing.failing_suites(newly, failing.worst_failing(LatestRun.objects.all()))
    assert [suite.task.name for suite in suites] == ["Fell", "Partial", "Red"]
    assert suites[0].turned_at == SuiteTurn.objects.get(task=fell).turned_at
    assert suites[1].turned_at is None
    (test,) = failing.newly_failing_tests(newly)
    assert (test.name, test.latest.task) == ("it broke", fell)
    assert failing.newly_failing_tests([]) == []


def test_a_suite_with_skipped_tests_or_debt_alone_does_not_fail_and_one_that_broke_off_does():
    ran(passing=3, skipped_tests=1)
    ran(passing=3, test_debt_count=2)
    broken = ran(passing=3, against=[SPEAKS])
    assert figures.suites_now(LatestRun.objects.all()).not_passing == 1
    assert [run.pk for run in failing.worst_failing(LatestRun.objects.all())] == [broken.pk]


def test_refused_claims_are_told_with_what_was_not_met():
    answers = [
        {"rule": "a", "met": False, "detail": "The suite is red."},
        {"rule": "b", "met": True, "detail": "No blocker is open."},
    ]
    refused = CompletionClaimFactory(accepted=False, conditions=answers)
    CompletionClaimFactory(accepted=True)
    (told,) = failing.claims_refused(CompletionClaim.objects.all())
    assert (told, told.unmet) == (refused, ["The suite is red."])
