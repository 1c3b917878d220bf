"""Runs that are told in numbers take the same form as reports."""

from datetime import UTC, datetime

import pytest

from foreman_office.reports import Moment, Outcome, Result, from_counts

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_numbers_alone_are_a_report():
    report = from_counts(passing=2, failing=1, skipped=1, test_debt_count=3, execution_time_ms=9)

    assert (report.total, report.test_debt_count, report.execution_time_ms) == (4, 3, 9)
    assert (report.results, report.against, report.ended, report.is_green) == ([], [], None, False)
    assert from_counts(passing=2, failing=0).is_green
    assert not from_counts(passing=2, failing=0, test_debt_count=1).is_green
    assert not from_counts(passing=0, failing=0).is_green


def test_a_sender_may_say_that_the_suite_itself_failed_and_when():
    report = from_counts(
        passing=2, failing=0, suite_failed="ImportError: no lamp.", exit_code=2, executed_at=NOON
    )
    assert report.against == [
        "The suite itself failed: ImportError: no lamp.",
        "The runner ended with exit code 2.",
    ]
    assert (report.ended, report.is_green) == (Moment(NOON, True), False)
    assert from_counts(passing=1, failing=0, suite_failed="").against


def test_numbers_that_are_not_those_of_the_named_tests_are_refused():
    named = [Result("a", Outcome.PASSED), Result("b", Outcome.FAILED)]

    assert from_counts(passing=1, failing=1, results=named).results == named
    with pytest.raises(ValueError, match="not those of the tests"):
        from_counts(passing=2, failing=0, results=named)
