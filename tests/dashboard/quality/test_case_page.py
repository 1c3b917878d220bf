"""The page of a test, and the links to it from wherever a test is named."""

from html import escape

import pytest
from django.urls import reverse

from foreman_office.dashboard.quality.addresses import address_of_test, row_address
from governance.models import QATestResult
from tests.dashboard.quality.test_quality_pages import ago, page, ran
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db
NAME = "tests/test_lamp.py::TestFuse::test_blows[a&b <c>]"


def result_of(run, name=NAME):
    return QATestResult.objects.get(execution=run, name=name)


def link_to(run, name=NAME):
    return escape(address_of_test(run.qa_suite_location, name))


def test_a_test_has_a_page_by_suite_and_name(person):
    task = TaskFactory(name="Masonry")
    passed = ran(task, 1, 0, named=[(NAME, "passed", False)], executed_at=ago(hours=5))
    failed = ran(task, 0, 1, named=[(NAME, "failed", False)], executed_at=ago(hours=4))
    text = person.get(address_of_test(failed.qa_suite_location, NAME)).text
    for words in (
        "test_blows[a&amp;b &lt;c&gt;]",
        "tests/test_lamp.py::TestFuse",
        "Failing since",
        "1 of 2",
        escape(f"{NAME}!"),
        "Masonry",
        task.get_absolute_url(),
        escape(row_address(failed.pk, result_of(failed).pk)),
        escape(row_address(passed.pk, result_of(passed).pk)),
    ):
        assert words in text


def test_a_test_that_passes_says_so(person):
    run = ran(named=[(NAME, "passed", False)])
    text = person.get(address_of_test(run.qa_suite_location, NAME)).text
    assert "it never failed" in text
    assert "it passed when it last ran" in text


def test_an_unknown_test_is_not_found_and_the_page_without_a_name_asks_for_one(person):
    run = ran(named=[(NAME, "passed", False)])
    answer = page(person, "quality_test", {"suite": run.qa_suite_location, "name": "no such"})
    assert answer.status_code == 404
    assert "No such test" in answer.text
    asked = page(person, "quality_test")
    assert asked.status_code == 200
    assert "A test by its name" in asked.text


@pytest.mark.parametrize("number", ["x", "-1", "9" * 30, "²"])
def test_a_result_that_is_none_is_not_found(person, number):
    assert page(person, "quality_test", {"result": number}).status_code == 404


def test_a_nul_in_a_name_is_no_error(person):
    assert page(person, "quality_test", {"suite": "a\0", "name": "b\0"}).status_code == 404


def test_a_name_too_long_for_an_address_is_reached_by_its_result(person):
    name = "é" * 900
    run = ran(named=[(name, "failed", False)])
    assert address_of_test(run.qa_suite_location, name) == ""
    address = address_of_test(run.qa_suite_location, name, result_of(run, name).pk)
    assert len(address) < 100
    assert address in person.get(run.get_absolute_url()).text
    assert name in person.get(address).text


def test_every_place_that_names_a_test_leads_to_it(person):
    task = TaskFactory()
    ran(task, 1, 0, named=[(NAME, "passed", False)], executed_at=ago(hours=5))
    run = ran(task, 0, 1, named=[(NAME, "failed", True)], executed_at=ago(hours=4))
    for text in (
        person.get(run.get_absolute_url()).text,
        page(person, "quality", part="list").text,
        person.get(task.get_absolute_url()).text,
    ):
        assert link_to(run) in text


def test_each_row_of_a_run_has_an_anchor_and_an_address_that_shows_it_alone(person):
    names = [(f"test {number:03}", "passed", False) for number in range(60)]
    run = ran(passing=60, named=names)
    last = result_of(run, "test 059")
    first_page = person.get(run.get_absolute_url()).text
    assert f'id="t-{last.pk}"' not in first_page
    address = row_address(run.pk, last.pk)
    assert address.endswith(f"#t-{last.pk}")
    text = person.get(address).text
    assert f'id="t-{last.pk}"' in text
    assert escape(address) in text
    assert "test 058" not in text
    other = ran(named=[("elsewhere", "passed", False)])
    stray = page(person, "quality_run", {"test": result_of(other, "elsewhere").pk}, args=[run.pk])
    assert "No test matches." in stray.text
    assert "A filter is not valid." in page(
        person, "quality_run", {"test": "x"}, args=[run.pk]
    ).text  # fmt: skip


def test_the_queries_of_the_page_do_not_depend_on_the_number_of_runs(
    person, django_assert_max_num_queries
):
    task = TaskFactory()
    for number in range(12):
        ran(task, 0, 1, named=[(NAME, "failed", False)], executed_at=ago(hours=20 - number))
    with django_assert_max_num_queries(9):
        page(person, "quality_test", {"suite": task.qa_suite_location, "name": NAME}, part="case")


def test_the_runs_of_its_suite_are_found_from_it(person):
    run = ran(named=[(NAME, "passed", False)], executed_at=ago(days=80))
    text = person.get(address_of_test(run.qa_suite_location, NAME)).text
    assert f"{reverse('governance:quality_runs')}?days=90&amp;" in text
