"""What each condition demands, the rows behind it, and what would meet it."""

from foreman_office.rules.cases import Case, Explained, Remedy, is_resolved_with
from foreman_office.rules.lateness import due_condition
from foreman_office.rules.remedies import resolve_issues
from foreman_office.rules.rows import report_address, validation_address
from foreman_office.rules.table import RULES, explain, remedies

__all__ = [
    "RULES",
    "Case",
    "Explained",
    "Remedy",
    "due_condition",
    "explain",
    "is_resolved_with",
    "remedies",
    "report_address",
    "resolve_issues",
    "validation_address",
]
