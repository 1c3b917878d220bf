"""Any two runs, and any two validations, are compared by an address."""

from uuid import uuid4

import pytest
from django.utils.html import escape

from tests.dashboard.quality.test_quality_pages import ago, judged, page, ran
from tests.factories import ArchitectureValidationFactory, TaskFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs():
    """Three runs of a suite: a and b fail, then a is mended, then both pass."""
    task = TaskFactory()
    marks = [("failed", "failed"), ("passed", "failed"), ("passed", "passed")]
    return [
        ran(
            task,
            outcomes.count("passed"),
            outcomes.count("failed"),
            named=[*zip("ab", outcomes, (False, False), strict=True)],
            executed_at=ago(hours=9 - number),
        )
        for number, outcomes in enumerate(marks)
    ]


def compared(person, run, against):
    text = page(person, "quality_run", {"against": against}, args=[run.pk]).text
    return text.partition('id="compared-title"')[2].partition("</section>")[0]


def test_a_run_is_compared_with_any_other_by_id_or_address(person, runs):
    first, _, last = runs
    for against in (first.pk, f" http://office/quality/runs/{first.pk}/?q=x#t-1 ", first.pk.hex):
        assert "2 fixed" in compared(person, last, against)
    assert "1 fixed" in compared(person, last, "")
    backward = compared(person, first, last.pk)
    assert "2 newly failing" in backward
    assert "The other run is the later one" in backward


def test_the_runs_of_the_suite_are_offered(person, runs):
    text = page(person, "quality_run", args=[runs[2].pk]).text
    chosen = f'<option value="{runs[1].pk}" selected>'
    assert chosen in text
    assert f'<option value="{runs[0].pk}">' in text
    assert f'<option value="{runs[2].pk}"' not in text


def test_runs_of_another_task_and_suite_are_compared_and_it_is_said(person, runs):
    other = ran(
        TaskFactory(name="Plumbing"),
        1,
        0,
        named=[("a", "passed", False)],
        qa_suite_location="tests/pipes/",
    )
    text = compared(person, runs[0], other.pk)
    assert "1 newly failing" not in text.partition("newly failing")[0]
    assert "of another task" in text
    assert "Plumbing" in text
    assert "tests/pipes/" in text


NONSENSE = ["nonsense", "<b>", "11111111-1111", "z" * 500]


@pytest.mark.parametrize("against", NONSENSE)
def test_what_is_no_run_is_refused_in_words(person, runs, against):
    text = compared(person, runs[2], against)
    assert "is neither the address nor the id of a run." in text
    assert escape(against[:80]) in text
    assert "1 fixed" in text  # the previous run's, as without it


def test_a_run_is_not_compared_with_itself_nor_with_one_that_is_not_there(person, runs):
    assert "to be compared with itself" in compared(person, runs[2], runs[2].pk)
    key = uuid4()
    assert f"There is no run with the id {key}." in compared(person, runs[2], key)


def test_a_validation_has_a_page_and_is_compared_with_the_one_before_or_any_other(person):
    task = TaskFactory()
    first = judged(ready=False, task=task, validated_at=ago(hours=3))
    judged(task=task, validated_at=ago(hours=2))
    last = judged(task=task, validated_at=ago(hours=1))
    text = page(person, "quality_validation", args=[last.pk]).text
    assert "Both validations agree on every item." in text
    assert f'<option value="{first.pk}">' in text
    text = page(person, "quality_validation", {"against": first.pk}, args=[last.pk]).text
    assert "<b>1 item</b> differs." in text
    assert "documents: plan" in text
    text = page(person, "quality_validation", {"against": last.pk}, args=[first.pk]).text
    assert "The other validation is the later one" in text


def test_the_only_validation_has_nothing_to_be_compared_with(person):
    only = judged()
    text = page(person, "quality_validation", args=[only.pk]).text
    assert "This is the first validation of this task" in text
    other = ArchitectureValidationFactory(architecture_reference="docs/pipes.md")
    text = page(person, "quality_validation", {"against": other.pk}, args=[only.pk]).text
    assert "of another task" in text
    assert "docs/pipes.md" in text


@pytest.mark.parametrize("against", NONSENSE)
def test_what_is_no_validation_is_refused_in_words(person, against):
    text = page(person, "quality_validation", {"against": against}, args=[judged().pk]).text
    assert "is neither the address nor the id of a validation." in text


def test_a_validation_that_is_not_there_is_not_found(person):
    assert page(person, "quality_validation", args=[uuid4()]).status_code == 404
