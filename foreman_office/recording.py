"""Record the report of a run, for the API and the pages."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils.timezone import now

from builders.clocks import lag_seconds
from foreman_office.reports import SuiteReport
from foreman_office.reports.times import ZONE_DOUBT
from governance.actions import record_qa_execution
from governance.models import QAExecution
from kit.core.acts import Actor
from kit.web.time_axis import long_span
from programs.models import Task


def length_text(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else long_span(timedelta(seconds=seconds))


def remarks_on_time(report: SuiteReport) -> Iterator[str]:
    """Yield that a report ended in the future, by its own clock."""
    if not report.ended:
        return
    ahead = lag_seconds(report.ended.at - now())
    if ahead > (0 if report.zone_known else ZONE_DOUBT.total_seconds()):
        yield (
            f"By its own clock the run ended {length_text(ahead)} after it arrived: that clock is"
            " ahead of the office's. The run counts as made when it arrived."
        )


def record_report(
    task: Task, report: SuiteReport, *, test_debt_count: int = 0, by: Actor
) -> QAExecution:
    """Record a report as a run of the task's own suite.

    `test_debt_count` is the debt that is told beside a report, which has no field for it.
    """
    return record_qa_execution(
        task,
        passing=report.passing,
        failing=report.failing,
        skipped=report.skipped,
        test_debt_count=report.test_debt_count or test_debt_count,
        execution_time_ms=report.execution_time_ms,
        results=report.results,
        against=report.against,
        remarks=[*report.remarks, *remarks_on_time(report)],
        ended_at=report.ended_at,
        zone_known=report.zone_known,
        exit_code=report.exit_code,
        by=by,
    )
