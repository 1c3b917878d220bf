"""Checks that tables of several apps have in common."""

from django.db import models
from django.db.models import F, Q


def one_of(table: str, field: str, choices: type[models.TextChoices]) -> models.CheckConstraint:
    """Return the check that the contract writes as `field IN (...)`, under PostgreSQL's name."""
    return models.CheckConstraint(
        condition=Q(**{f"{field}__in": choices.values}),
        name=f"{table}_{field}_check",
        violation_error_message=f"{field} must be one of {', '.join(choices.values)}.",
    )


def percentage(table: str, field: str = "progress_percentage") -> models.CheckConstraint:
    """Return the check that the contract writes as `field BETWEEN 0 AND 100`."""
    return models.CheckConstraint(
        condition=Q(**{f"{field}__range": (0, 100)}),
        name=f"{table}_{field}_check",
        violation_error_message=f"{field} must be between 0 and 100.",
    )


def not_before(table: str, end: str, start: str) -> models.CheckConstraint:
    """Return the check that a time is not before the time from which it is counted."""
    return models.CheckConstraint(
        condition=Q(**{f"{end}__isnull": True})
        | Q(**{f"{start}__isnull": True})
        | Q(**{f"{end}__gte": F(start)}),
        name=f"{table}_{end}_check",
        violation_error_message=f"{end} must not be before {start}.",
    )
