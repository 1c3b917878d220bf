"""The quality of work as pages: figures over a window, the runs behind them, and their tests."""

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils.timezone import now

from governance.models import (
    ArchitectureValidation,
    QATestResult,
)
from kit.core.acts import act
from tests.database import as_administrator
from tests.factories import (
    ArchitectureValidationFactory,
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
    first = ran(executed_at=ago(hours=3))
    run = ran(first.task, 3, 1, named=[("a", "failed", False)])
    as_administrator("INSERT INTO qa_thinned_runs VALUES (%s, now(), 3, 0, 30)", run.pk)
    text = page(person, "quality_run", args=[run.pk]).text
    assert "3 passed tests of this run were not kept after 30 days." in text
    later = ran(run.task, 3, 0, executed_at=now(), named=[("a", "passed", False)])
    text = page(person, "quality_run", args=[later.pk]).text
    assert "3 passed tests of the other run were not kept after 30 days." in text
    assert "1 fixed" in text
    assert "3 passed tests of the previous run" in person.get(run.task.get_absolute_url()).text


def test_a_run_that_is_not_there_is_not_found(person):
    task = TaskFactory()
    assert page(person, "quality_run", args=[task.pk]).status_code == 404


@pytest.mark.parametrize(
    ("name", "most"), [("quality", 20), ("quality_runs", 9), ("quality_validations", 9)]
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
