"""Read test reports of all runners into one form. Pure: no models, no settings, no database."""

from foreman_office.reports.counts import from_counts
from foreman_office.reports.kinds import UNKNOWN_JSON, is_events, is_json_lines, is_of_a_runner
from foreman_office.reports.reader import read_report
from foreman_office.reports.results import (
    MAX_BYTES,
    MAX_NAME_BYTES,
    MAX_TESTS,
    Lint,
    Outcome,
    Result,
    SuiteReport,
    Unreadable,
)
from foreman_office.reports.times import Moment

__all__ = [
    "MAX_BYTES",
    "MAX_NAME_BYTES",
    "MAX_TESTS",
    "UNKNOWN_JSON",
    "Lint",
    "Moment",
    "Outcome",
    "Result",
    "SuiteReport",
    "Unreadable",
    "from_counts",
    "is_events",
    "is_json_lines",
    "is_of_a_runner",
    "read_report",
]
