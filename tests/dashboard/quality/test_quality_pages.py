"""The quality of work as pages: figures over a window, the runs behind them, and their tests."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.dashboard.quality import failing, figures, trends
from governance.models import (
    ArchitectureValidation,
    CompletionClaim,
    LatestRun,
    QAExecution,
    QATestResult,
    SuiteTurn,
)
from kit.core.acts import act
from tests.database import as_administrator, without_triggers
from tests.factories import (
    ArchitectureValidationFactory,
    CompletionClaimFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db
PAGES = ["quality", "quality_runs", "quality_validations"]


def page(client, name, query=None, part=None, args=()):
    headers = {"HX-Request": "true", "HX-Target": part} if part else {}
    return client.get(reverse(f"governance:{name}", args=args), query or {}, headers=headers)


def ago(**span):
    return now() - timedelta(**span)


def ran(task=None, passing=10, failing=0, named=(), **fields):
    """A run; `named` are tests as (name, outcome, flaky)."""
    run = QAExecutionFactory(
        task=task or TaskFactory(),
        passing_tests=passing,
        failing_tests=failing,
        **{"executed_at": ago(hours=1)} | fields,
    )
    QATestResult.objects.bulk_create(
        QATestResult(execution=run, name=name, outcome=outcome, flaky=flaky, message=f"{name}!")
        for name, outcome, flaky in named
    )
    return run


def judged(ready=True, **fields):
    results = {"documents": {"design": True, "plan": ready}, "score": 7}
    return ArchitectureValidationFactory(
        validation_results=results,
        pass_rate=100 if ready else 50,
        build_readiness="READY" if ready else "NOT_READY",
        **{"validated_at": ago(hours=1)} | fields,
    )


# --- the figures ----------------------------------------------------------------------------------


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


# --- the pages ------------------------------------------------------------------------------------


def test_quality_shows_every_figure_with_what_is_behind_it(person):
    red = ran(passing=0, failing=5)
    debt = ran(passing=5, test_debt_count=7, named=[("wobbles", "passed", True)])
    judged(ready=False)
    whole, part = page(person, "quality"), page(person, "quality", part="list")
    for text in (whole.text, part.text):
        for words in (
            "0 of 2",
            "5 of 10",
            "5 of 5 fail",
            "test debt 7",
            "wobbles",
            "retried in the same run",
            "plan",
            reverse("governance:quality_run", args=[red.pk]),
            reverse("governance:quality_run", args=[debt.pk]),
            red.task.name,
        ):
            assert words in text
    assert "<html" not in part.text


def test_quality_without_a_run_says_so(person):
    text = page(person, "quality").text
    for words in ("No runs.", "No suite fails", "No setback", "No claim was refused"):
        assert words in text


def test_the_bars_lead_to_their_runs_with_the_filters_of_the_page(person):
    task = TaskFactory(name="Masonry")
    ran(task, 2, 0, executed_at=ago(days=10))
    ran(task, 1, 1, executed_at=ago(days=5))
    text = page(person, "quality", {"days": "90", "program": task.wave.program_id}).text
    links = {unescape(link) for link in re.findall(r'href="([^"]*since=[^"]*)"', text)}
    assert len(links) == 3  # two days with runs, and the setback of one
    found = {}
    for link in links:
        assert f"program={task.wave.program_id}" in link
        assert "days=90" in link
        shown = person.get(link).context["listing"].rows
        found["turned=lost" in link, shown[0].executed_at] = len(shown)
    assert [*found.values()] == [1, 1, 1]
    assert sum(lost for lost, _ in found) == 1


@pytest.mark.parametrize("name", PAGES)
def test_filters_say_where_whose_and_since_when(person, name):
    task = TaskFactory(name="Masonry", assigned_builder="ui-builder")
    other = TaskFactory(name="Plumbing", assigned_builder="qa-builder")
    ran(task, 0, 3)
    ran(other, 0, 3, executed_at=ago(days=20))
    judged(task=task)
    judged(task=other, validated_at=ago(days=20))

    def shows(**query):
        text = page(person, name, query, part="list").text
        return [word for word in ("Masonry", "Plumbing") if word in text]

    assert shows() == ["Masonry", "Plumbing"]
    assert shows(days="7") == ["Masonry"]
    assert shows(program=other.wave.program_id) == ["Plumbing"]
    assert shows(builder="ui-builder") == ["Masonry"]
    assert shows(days="3") == []
    assert "A filter is not valid." in page(person, name, {"days": "3"}).text


def test_runs_are_found_by_suite_task_status_and_debt(person):
    ran(TaskFactory(name="Masonry of the vault"), 0, 3)
    ran(TaskFactory(name="Plumbing"), qa_suite_location="tests/vault/", test_debt_count=2)

    def found(**query):
        answer = page(person, "quality_runs", {"export": "csv"} | query)
        text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
        return [row["task"] for row in csv.DictReader(io.StringIO(text))]

    assert {*found(q="vault")} == {"Masonry of the vault", "Plumbing"}
    assert found(q="maso vau") == ["Masonry of the vault"]
    assert found(status="RED") == ["Masonry of the vault"]
    assert found(debt="some") == ["Plumbing"]
    assert found(sort="-failing") == ["Masonry of the vault", "Plumbing"]


def test_a_run_in_the_list_is_told_against_the_run_before(person):
    task = TaskFactory()
    for number, passing in enumerate([3, 8, 6]):
        ran(task, passing, 10 - passing, executed_at=ago(hours=9 - number))
    text = page(person, "quality_runs").text
    places = [text.index(words) for words in (">−2<", ">+5<", ">first<")]  # noqa: RUF001
    assert places == sorted(places)


def test_validations_are_found_by_document_task_and_state_and_sorted_by_rate(person):
    judged(task=TaskFactory(name="Masonry of the vault"), ready=False)
    judged(task=TaskFactory(name="Plumbing"), architecture_reference="architecture/vault.md")

    def found(**query):
        answer = page(person, "quality_validations", {"export": "csv"} | query)
        text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
        return [(row["task"], row["not_passed"]) for row in csv.DictReader(io.StringIO(text))]

    masonry, plumbing = ("Masonry of the vault", "plan"), ("Plumbing", "")
    assert {*found(q="vault")} == {masonry, plumbing}
    assert found(q="maso vau") == [masonry]
    assert found(readiness="NOT_READY") == [masonry]
    assert found(readiness="READY") == [plumbing]
    assert found(sort="rate") == [masonry, plumbing]
    assert found(sort="-rate") == [plumbing, masonry]


def test_a_validation_in_the_list_leads_to_itself_and_names_what_did_not_pass(person):
    results = {"documents": dict.fromkeys("abcde", False)}
    bad = judged(ready=False)
    with act(None, reason="A correction."):
        ArchitectureValidation.objects.filter(pk=bad.pk).update(
            validation_results=results, pass_rate="66.67"
        )
    text = page(person, "quality_validations", part="list").text
    assert reverse("governance:quality_validation", args=[bad.pk]) in text
    assert "66.67 %" in text
    assert "a, b, c" in text
    assert "and 2 more" in text
    quality = page(person, "quality", part="list").text
    assert f"{reverse('governance:quality_validations')}?readiness=NOT_READY" in quality


def test_a_run_shows_its_tests_what_failed_first_and_what_changed(person):
    task = TaskFactory()
    before = ran(
        task, 1, 1, named=[("a", "passed", False), ("b", "failed", False)], executed_at=ago(hours=5)
    )
    run = ran(
        task, 1, 1, named=[("a", "failed", False), ("b", "passed", True)], executed_at=ago(hours=4)
    )
    after = ran(task, 2, 0, executed_at=ago(hours=3))
    text = page(person, "quality_run", args=[run.pk]).text
    for words in (
        "1 of 2 tests pass",
        "1 newly failing",
        "1 fixed",
        "1 flaky",
        "a!",
        reverse("governance:quality_run", args=[before.pk]),
        reverse("governance:quality_run", args=[after.pk]),
    ):
        assert words in text
    table = text.partition("<tbody>")[2]
    assert table.index("<code>a</code>") < table.index("<code>b</code>")
    assert (
        "<code>a</code>"
        not in page(person, "quality_run", {"outcome": "passed"}, args=[run.pk], part="list").text
    )
    answer = page(person, "quality_run", {"export": "json", "flaky": "only"}, args=[run.pk])
    assert b'"name": "b"' in b"".join(answer.streaming_content)


SPEAKS = "The suite itself failed: ImportError: cannot import lamp.fuse."


def test_a_run_that_is_not_green_says_why_on_every_page_that_shows_it(person):
    task = TaskFactory()
    ran(task, 2, 0, executed_at=ago(hours=4), against=[SPEAKS], remarks=["It declares 40 tests."])
    run = ran(task, 0, 0, executed_at=ago(hours=3), arrived_at=ago(hours=1), against=[SPEAKS])
    assert run.qa_status == "RED"
    for text in (
        page(person, "quality_run", args=[run.pk]).text,
        page(person, "quality_runs", part="list").text,
        page(person, "quality", part="list").text,
        person.get(task.get_absolute_url()).text,
    ):
        assert SPEAKS in text
    assert "What speaks against this run" in page(person, "quality_run", args=[run.pk]).text
    answer = page(person, "quality_runs", {"export": "csv"})
    assert SPEAKS in b"".join(answer.streaming_content).decode()


def test_a_run_shows_when_it_was_made_and_when_it_came(person):
    run = ran(executed_at=ago(hours=3), arrived_at=ago(hours=1))
    assert "arrived" in page(person, "quality_run", args=[run.pk]).text
    run = ran(executed_at=ago(hours=3))
    assert "arrived" not in page(person, "quality_run", args=[run.pk]).text
    run = ran(ended_at=ago(hours=3), arrived_at=ago(hours=3), ended_zone_known=False)
    assert "and no time zone" in page(person, "quality_run", args=[run.pk]).text


def test_a_run_without_names_says_how_to_get_them(person):
    text = page(person, "quality_run", args=[ran().pk]).text
    assert "This run does not name its tests." in text
    assert "the first run of this suite" in text


def test_a_thinned_run_says_so(person):
    run = ran(passing=3, failing=1, named=[("a", "failed", False)])
    as_administrator("INSERT INTO qa_thinned_runs VALUES (%s, now(), 3, 0, 30)", run.pk)
    text = page(person, "quality_run", args=[run.pk]).text
    assert "3 passed tests of this run were not kept after 30 days." in text
    later = ran(run.task, 3, 0, executed_at=now(), named=[("a", "passed", False)])
    text = page(person, "quality_run", args=[later.pk]).text
    assert "3 passed tests of the other run were not kept after 30 days." in text
    assert "1 fixed" in text
    assert "3 passed tests of the run before" in person.get(run.task.get_absolute_url()).text


def test_a_run_that_is_not_there_is_not_found(person):
    task = TaskFactory()
    assert page(person, "quality_run", args=[task.pk]).status_code == 404


@pytest.mark.parametrize(
    ("name", "most"), [("quality", 20), ("quality_runs", 8), ("quality_validations", 8)]
)
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    person, name, most, django_assert_max_num_queries
):
    wave = WaveFactory()
    for number in range(15):
        ran(TaskFactory(wave=wave), 0, 3, executed_at=ago(days=number))
        ran(
            TaskFactory(wave=wave),
            5,
            test_debt_count=number + 1,
            named=[(f"test {number}", "passed", True)],
        )
        judged(ready=False, validated_at=ago(days=number))
    with django_assert_max_num_queries(most):
        page(person, name, part="list")
