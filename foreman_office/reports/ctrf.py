"""Reading CTRF, the Common Test Report Format."""

from typing import Any

from foreman_office.reports.collecting import FAILED, FAILURE, NEITHER, PASSED, SKIPPED, Collector
from foreman_office.reports.results import SuiteReport, Unreadable, clean, cut, one_line
from foreman_office.reports.statuses import meaning
from foreman_office.reports.suites import many
from foreman_office.reports.times import Moment, ReportSpan, moment
from foreman_office.reports.totals import declared, is_total

TOTALS = ("tests", "passed", "failed", "skipped", "pending", "other")
MAX_MILLISECONDS = 24 * 3600 * 1000


def read_ctrf(document: dict[str, Any], exit_code: int | None) -> SuiteReport:
    """Read a document that is known to be CTRF."""
    results = document["results"]
    tests, summary = results.get("tests"), results.get("summary")
    if not isinstance(tests, list) or not all(isinstance(test, dict) for test in tests):
        raise Unreadable("The report's “results.tests” is not a list of tests.")
    summary = summary if isinstance(summary, dict) else {}
    collector, span = Collector(), ReportSpan()
    for number, test in enumerate(tests):
        _add(collector, test, number)
        span.add_moment(_stamp(test.get("stop")))
    for stamp in (summary.get("stop"), document.get("timestamp")):
        if span.end is None:
            span.add_moment(_stamp(stamp))
    _judge(collector, summary, len(tests))
    tool = results.get("tool")
    name = tool.get("name") if isinstance(tool, dict) else None
    return collector.report(
        f"CTRF of {one_line(name)}" if isinstance(name, str) and name else "CTRF",
        ended=span.end,
        exit_code=exit_code,
    )


def _add(collector: Collector, test: dict[str, Any], number: int) -> None:
    name, status = test.get("name"), test.get("status")
    if not isinstance(name, str) or not isinstance(status, str):
        raise Unreadable(f"The report's “results.tests.{number}” needs a name and a status.")
    outcome = meaning(status)
    if outcome is None:
        raise Unreadable(
            f"The report's “results.tests.{number}.status” is “{one_line(status)}”, which is none."
        )
    suite = test.get("suite")
    places = suite if isinstance(suite, list) else [suite]
    parts = [part for part in places if isinstance(part, str) and part]
    file = test.get("filePath")
    if isinstance(file, str) and file and not any(part in file for part in parts):
        parts.insert(0, file)
    said = [test.get("message"), test.get("trace")]
    words = cut(clean("\n".join(part.strip() for part in said if isinstance(part, str))))
    lasted = test.get("duration")
    if not isinstance(lasted, int | float) or not 0 <= lasted <= MAX_MILLISECONDS:
        lasted = 0
    collector.add(
        clean("::".join([*parts, name])),
        outcome,
        words or None,
        flaky=outcome is PASSED and test.get("flaky") is True,
        seconds=lasted / 1000,
        kind=FAILURE if outcome is FAILED else NEITHER,
    )


def _judge(collector: Collector, summary: dict[str, Any], written: int) -> None:
    outcomes = {result.outcome for result in collector.results if result}
    failed, total = _count(summary, "failed"), _count(summary, "tests")
    put_off = _count(summary, "skipped") + _count(summary, "pending") + _count(summary, "other")
    for key in TOTALS:
        value = summary.get(key)
        if value is not None and not is_total(str(value)):
            collector.remarks.append(
                f"“results.summary.{key}” is {one_line(str(value))}, which is no number of tests."
            )
    if failed and FAILED not in outcomes:
        collector.against.append(
            f"The run itself failed: it declares {many(failed, 'failed test')} and holds none."
        )
    if put_off and SKIPPED not in outcomes:
        collector.against.append(
            f"The run hides what it skipped: it declares {many(put_off, 'skipped test')}"
            " and writes none."
        )
    if total > written:
        collector.against.append(
            f"Only {written} of the {many(total, 'declared test')} are written."
        )


def _count(summary: dict[str, Any], key: str) -> int:
    value = summary.get(key)
    return declared({key: str(value)}, (key,)) if isinstance(value, int | float | str) else 0


def _stamp(value: object) -> Moment | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return moment(str(int(value)) if isinstance(value, float) and abs(value) < 1e15 else str(value))
