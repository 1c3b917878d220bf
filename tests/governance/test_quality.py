"""What changed between two runs, and what a completed task proves."""

from datetime import timedelta
from itertools import chain, repeat

import pytest
from django.db import transaction
from django.utils.timezone import now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.models import QATestResult
from governance.quality import (
    ChangedItem,
    certificate,
    changed_tests,
    compare,
    compare_validations,
    latest_run,
    previous_run,
)
from kit.core.acts import act
from programs.models import Task
from tests.factories import ArchitectureValidationFactory, QAExecutionFactory

pytestmark = pytest.mark.django_db
MARKS = {".": "passed", "F": "failed", "s": "skipped"}


@pytest.fixture
def run(task):
    """Store a run in which each test of `marks` ended as its mark says, a minute after the last."""
    times = (now() + timedelta(minutes=minute) for minute in chain(range(-60, 0), repeat(0)))

    def run(flaky=(), **marks):
        ended = list(marks.values())
        stored = QAExecutionFactory(
            task=task,
            passing_tests=ended.count("."),
            failing_tests=ended.count("F"),
            skipped_tests=ended.count("s"),
            executed_at=next(times),
        )
        QATestResult.objects.bulk_create(
            QATestResult(
                execution=stored,
                name=name,
                outcome=MARKS[mark],
                flaky=name in flaky,
                message=f"{name} failed" if mark == "F" else None,
            )
            for name, mark in marks.items()
        )
        return stored

    return run


def names(results):
    return [result.name for result in results]


def test_the_first_run_is_compared_with_nothing(run):
    comparison = compare(run(a="F", b="."))
    assert (comparison.before, comparison.named) == (None, False)
    assert names(comparison.newly_failing) == ["a"]
    assert comparison.vanished == []


def test_each_test_is_compared_with_itself(run):
    before = run(broke=".", stays="F", fixed="F", skipped=".", gone="F", fine=".", lazy="s")
    comparison = compare(
        run(broke="F", stays="F", fixed=".", skipped="s", fine=".", lazy="s", new="F")
    )
    assert (comparison.before, comparison.named) == (before, True)
    assert names(comparison.newly_failing) == ["broke", "new"]
    assert names(comparison.still_failing) == ["stays"]
    assert names(comparison.fixed) == ["fixed"]
    assert names(comparison.newly_skipped) == ["skipped"]
    assert names(comparison.vanished) == ["gone"]
    assert comparison.first_failure.message == "broke failed"


def test_a_failure_that_goes_on_is_the_first_where_none_is_new(run):
    run(a="F", b="F")
    assert compare(run(a=".", b="F")).first_failure.name == "b"
    assert compare(run(a=".", b=".")).first_failure is None


def test_flaky_tests_are_named(run):
    assert names(compare(run(a=".", b=".", flaky=["b"])).flaky) == ["b"]


def test_runs_without_names_are_not_compared(run):
    run(a="F")
    comparison = compare(run())
    assert not comparison.named
    assert comparison.vanished == []


@given(
    before=st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(".Fs"), min_size=1),
    after=st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(".Fs"), min_size=1),
    flaky=st.sets(st.sampled_from("abcdef")),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_compared_is_every_test(run, before, after, flaky):
    with transaction.atomic():
        earlier, later = run(**before), run(flaky=flaky, **after)
        comparison = compare(later, earlier)
        transaction.set_rollback(True)
    was = {name: before.get(name) for name in after}
    failed = {name for name, mark in after.items() if mark == "F"}
    assert {*names(comparison.still_failing)} == {name for name in failed if was[name] == "F"}
    assert {*names(comparison.newly_failing)} == {name for name in failed if was[name] != "F"}
    assert {*names(comparison.flaky)} == flaky & {*after}
    assert {*names(comparison.vanished)} == {*before} - {*after}
    assert {*names(comparison.fixed)} == {
        name for name, mark in after.items() if mark == "." and was[name] == "F"
    }
    assert {*names(comparison.newly_skipped)} == {
        name for name, mark in after.items() if mark == "s" and was[name] in ("F", ".")
    }


def test_only_tests_that_changed_are_read(run):
    run(a=".", b="F", **{f"same_{number}": "." for number in range(50)})
    same = {f"same_{number}": "." for number in range(50)}
    later = run(a="F", b=".", new=".", lazy="s", bad="F", **same)
    assert names(now for now, _ in changed_tests(later, previous_run(later))) == ["a", "b", "bad"]


def test_a_test_under_another_name_is_compared_with_itself(run):
    run(**{"m::a[/tmp/one/x]": "F", "m::b[/tmp/one/x]": ".", "m::c[/tmp/one/x]": "."})
    later = run(**{"m::a[/tmp/two/x]": ".", "m::b[/tmp/two/x]": "s", "m::c[/tmp/two/x]": "."})
    comparison = compare(later)
    assert names(comparison.fixed) == ["m::a[/tmp/two/x]"]
    assert names(comparison.newly_skipped) == ["m::b[/tmp/two/x]"]
    assert comparison.vanished == []


def test_only_runs_of_the_same_suite_of_the_same_task_come_before(run, task):
    first = run(a="F")
    QAExecutionFactory(executed_at=now() - timedelta(minutes=59, seconds=30))
    QAExecutionFactory(
        task=task,
        qa_suite_location="elsewhere",
        executed_at=now() - timedelta(minutes=59, seconds=30),
    )
    second = run(a=".")
    assert previous_run(second) == first
    assert previous_run(first) is None
    assert latest_run(task) == second


# --- from red to green ----------------------------------------------------------------------------


def completed(task):
    with act(None, override="a scene"):
        Task.objects.filter(pk=task.pk).update(state=Task.State.COMPLETED)
    task.refresh_from_db()
    return task


def test_a_task_under_way_has_no_certificate(run, task):
    run(a="F")
    run(a=".")
    assert certificate(task) is None


def test_a_completed_task_states_which_run_was_red_and_which_green(run, task):
    red = run(a="F", b="F")
    run(a=".", b="F")
    green = run(a=".", b=".", c=".")
    proof = certificate(completed(task))
    assert (proof.red, proof.green, proof.clean) == (red, green, True)


@pytest.mark.parametrize(
    ("after", "moved"),
    [
        ({"a": "."}, [("b", "removed")]),
        ({"a": ".", "b2": "."}, [("b", "removed")]),
        ({}, [("a", "removed"), ("b", "removed")]),
    ],
)
def test_moved_goalposts_are_named_one_by_one(run, task, after, moved):
    run(a="F", b="F")
    green = run(**after) if after else run(x=".")
    assert green.qa_status == "GREEN"
    proof = certificate(completed(task))
    assert not proof.clean
    assert [tuple(goalpost) for goalpost in proof.moved] == moved


def test_fewer_tests_are_moved_goalposts_even_without_names(task):
    early = now() - timedelta(hours=1)
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5, executed_at=early)
    QAExecutionFactory(task=task, passing_tests=3, failing_tests=0, executed_at=now())
    proof = certificate(completed(task))
    assert [tuple(goalpost) for goalpost in proof.moved] == [("2 of 5 tests", "removed")]


@pytest.mark.parametrize("marks", [[], ["."], ["F"], [".", "."]])
def test_runs_that_do_not_show_red_become_green_prove_nothing(run, task, marks):
    for mark in marks:
        run(a=mark)
    assert certificate(completed(task)) is None


# --- validations ----------------------------------------------------------------------------------


def test_two_validations_differ_in_what_they_judge_differently(task):
    before, after = (
        ArchitectureValidationFactory(task=task, validation_results=results)
        for results in (
            {"data": {"named": True, "stated": False, "old": True}, "score": 7},
            {"data": {"named": True, "stated": True, "new": False}},
        )
    )
    assert compare_validations(before, after) == [
        ChangedItem("data", "stated", False, True),
        ChangedItem("data", "new", None, False),
        ChangedItem("data", "old", True, None),
    ]
