"""Runs that are given in counts, as reports."""

from collections.abc import Sequence
from datetime import datetime

from foreman_office.reports.results import (
    Outcome,
    Result,
    SuiteReport,
    exit_code_against,
    one_line,
)
from foreman_office.reports.times import Moment


def from_counts(
    *,
    passing: int,
    failing: int,
    skipped: int = 0,
    test_debt_count: int = 0,
    results: Sequence[Result] = (),
    execution_time_ms: int | None = None,
    executed_at: datetime | None = None,
    suite_failed: str | None = None,
    exit_code: int | None = None,
) -> SuiteReport:
    """Return a run that was given in counts as a report.

    `suite_failed` says in words that the suite itself failed; `executed_at` is when the run ended.
    """
    named = list(results)
    if named:
        outcomes = [result.outcome for result in named]
        if (passing, failing, skipped) != tuple(map(outcomes.count, Outcome)):
            raise ValueError("The counts are not those of the tests.")
    against = exit_code_against(exit_code)
    if suite_failed is not None:
        words = one_line(suite_failed).rstrip(".") or "it does not say why"
        against.insert(0, f"The suite itself failed: {words}.")
    return SuiteReport(
        dialect="counts",
        results=named,
        passing=passing,
        failing=failing,
        skipped=skipped,
        test_debt_count=test_debt_count,
        against=against,
        execution_time_ms=execution_time_ms,
        ended=Moment(executed_at, True) if executed_at else None,
        exit_code=exit_code,
    )
