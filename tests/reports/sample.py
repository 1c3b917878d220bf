"""Reports for the tests of the reader: what runners wrote, and short ones made on the spot."""

from pathlib import Path

from foreman_office.reports import SuiteReport, read_report

DATA = Path(__file__).with_name("data")


def sample(name: str, **options) -> SuiteReport:
    """Read a report that a runner wrote."""
    return read_report((DATA / name).read_bytes(), **options)


def junit(inside: str, **options) -> SuiteReport:
    """Read a report of what stands in its root."""
    return read_report(f"<testsuites>{inside}</testsuites>".encode(), **options)


def suite(inside: str = "", name: str = "s", more: str = "") -> str:
    return f'<testsuite name="{name}" {more}>{inside}</testsuite>'


def case(name: str = "a", inside: str = "", owner: str = "k", more: str = "") -> str:
    name = name.replace('"', "&quot;")
    return f'<testcase classname="{owner}" name="{name}" {more}>{inside}</testcase>'


def counts(report: SuiteReport) -> tuple[int, int, int]:
    return report.passing, report.failing, report.skipped


def outcomes(report: SuiteReport) -> dict[str, str]:
    return {result.name: str(result.outcome) for result in report.results}


def never_tests(report: SuiteReport) -> set[str]:
    return {result.name for result in report.results if not result.is_test}
