"""What became of one test over the runs of its suite."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from governance import case_history as module
from governance.case_history import case_history, parts_of_name
from governance.models import PairedTest, QATestResult
from tests.factories import QAExecutionFactory, TaskFactory

pytestmark = pytest.mark.django_db
MARKS = {".": "passed", "F": "failed", "s": "skipped", "~": "passed"}
NAME = "tests.test_lamp::test_fuse"


def runs_of(task, marks, first=60, name=NAME, **fields):
    """Store a run for each mark, a minute apart; a blank is a run that does not name the test."""
    found = []
    for number, mark in enumerate(marks):
        failing = mark == "F"
        run = QAExecutionFactory(
            task=task,
            passing_tests=not failing,
            failing_tests=failing,
            executed_at=now() - timedelta(minutes=first - number),
            **fields,
        )
        if mark != " ":
            QATestResult.objects.create(
                execution=run,
                name=name,
                outcome=MARKS[mark],
                flaky=mark == "~",
                message=f"message {number}" if failing else None,
            )
        found.append(run)
    return found


def history(task, name=NAME):
    return case_history(task.qa_suite_location, name)


def test_outcomes_are_told_newest_first_and_runs_that_do_not_name_the_test_are_left_out(task):
    runs = runs_of(task, ".F s")
    found = history(task)
    assert [past.run_id for past in found.outcomes] == [runs[3].pk, runs[1].pk, runs[0].pk]
    assert [past.outcome for past in found.outcomes] == ["skipped", "failed", "passed"]
    assert (found.passed, found.failed, found.skipped, found.runs) == (1, 1, 1, 4)
    assert found.all_runs_looked_at


@pytest.mark.parametrize(
    ("marks", "since", "first", "passed"),
    [
        (".", None, None, 0),
        ("F", 0, 0, None),
        (".F.", None, 1, 2),
        (".FF", 1, 1, 0),
        ("F.FsF", 2, 0, 1),
        ("F.Fs", 2, 0, 1),
        ("sFs", 1, 1, None),
        ("ss", None, None, None),
        ("F~", None, 0, 1),
    ],
)
def test_since_when_it_fails_and_when_it_first_did(task, marks, since, first, passed):
    runs = runs_of(task, marks)

    def place(past):
        return None if past is None else [run.pk for run in runs].index(past.run_id)

    found = history(task)
    assert place(found.failing_since) == since
    assert place(found.first_failure) == first
    assert place(found.passed_before) == passed


def test_flakiness_is_counted_across_runs_and_within_them(task):
    runs_of(task, ".FsF.~.")
    found = history(task)
    assert (found.changes, found.retried) == (2, 1)


def test_the_runs_of_two_tasks_are_no_changes_of_one(task):
    other = TaskFactory(wave=task.wave)
    suite = {"qa_suite_location": task.qa_suite_location}
    runs_of(task, "..", first=60)
    runs_of(other, "FF", first=59.5, **suite)
    found = history(task)
    assert [past.outcome for past in found.outcomes] == ["failed", "passed"] * 2
    assert found.changes == 0
    assert [(each, past.outcome) for each, past in found.tasks] == [
        (other, "failed"),
        (task, "passed"),
    ]


def test_another_suite_or_name_is_another_test(task):
    runs_of(task, "F")
    runs_of(task, ".", first=10, qa_suite_location="tests/elsewhere/")
    runs_of(task, ".", first=9, name=f"{NAME} ")
    assert [past.outcome for past in history(task).outcomes] == ["failed"]
    assert case_history("tests/nowhere/", NAME).outcomes == []


def test_the_newest_message_is_that_of_the_newest_run_that_has_one(task):
    runs_of(task, "FF.")
    assert history(task).newest_message.message == "message 1"
    assert case_history(task.qa_suite_location, "no such test").newest_message is None


def test_earlier_names_are_those_of_its_pairs(task):
    red, green = runs_of(task, "F.")
    PairedTest.objects.create(
        execution=green, earlier_id=red.pk, name="test_old", later_name=NAME, rule="case"
    )
    assert history(task).earlier_names == ["test_old"]


def test_only_the_newest_runs_are_looked_at_and_it_is_said(task, monkeypatch):
    monkeypatch.setattr(module, "LOOKED_AT", 2)
    runs_of(task, "F..")
    found = history(task)
    assert [past.outcome for past in found.outcomes] == ["passed", "passed"]
    assert not found.all_runs_looked_at


def test_the_number_of_queries_does_not_depend_on_the_number_of_runs(task):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            found = history(task)
            assert found.tasks
            assert found.newest_message
            assert found.earlier_names == []
        return len(queries)

    runs_of(task, "F")
    few = asked()
    runs_of(task, ".F" * 10, first=50)
    assert asked() == few


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("test_a", ("", "test_a")),
        ("tests/test_a.py::TestB::test_c", ("tests/test_a.py::TestB", "test_c")),
        ("test_a.py::test_b[x::y]", ("test_a.py", "test_b[x::y]")),
        ("file.spec.ts > a lamp > shines", ("file.spec.ts > a lamp", "shines")),
        ("::", ("", "::")),
        ("a::", ("", "a::")),
        ("test_b[x::y]", ("", "test_b[x::y]")),
        ("", ("", "")),
    ],
)
def test_the_place_of_a_test_is_told_apart_from_what_it_is_called_there(name, parts):
    assert parts_of_name(name) == parts
