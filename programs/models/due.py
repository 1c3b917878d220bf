"""When work is due, and what is late: a day, which ends with its midnight in UTC."""

from datetime import date
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from programs.models.states import State

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9999, 12, 31)
# What is finished is not late any more: it is completed, or somebody abandoned it with a reason.
FINISHED = [State.COMPLETED.value, State.FAILED.value]
NOT_FINISHED = ~Q(state__in=FINISHED)


class Today(models.Func):
    """The day of this moment in UTC, at the start of the transaction."""

    template = "(now() AT TIME ZONE 'UTC')::date"
    output_field = models.DateField()

    def __init__(self) -> None:
        super().__init__()


def today() -> date:
    """Return the day of this moment in UTC."""
    return now().date()


def is_late(state: str, due_on: date | None, day: date) -> bool:
    """Return whether what is in a state, and due on a day, is late on another."""
    return due_on is not None and state not in FINISHED and due_on < day


def due_order() -> Coalesce:
    """Return what rows are sorted by when they are sorted by due date: those without come last."""
    return Coalesce("due_on", models.Value(LAST_DAY, models.DateField()))


class DueQuerySet(models.QuerySet[Any]):
    def late(self) -> Any:
        """Return what is past its due date and neither completed nor abandoned."""
        return self.filter(NOT_FINISHED, due_on__lt=Today())

    def with_due_order(self) -> Any:
        """Annotate what a list is sorted by when it is sorted by due date."""
        return self.annotate(due=due_order())


class Due:
    """What may have a due date."""

    state: Any
    due_on: Any

    @property
    def is_late(self) -> bool:
        return is_late(self.state, self.due_on, today())


def calendar_day(table: str) -> models.CheckConstraint:
    """Return the check that a due date is one that every reader of it can write."""
    return models.CheckConstraint(
        condition=Q(due_on__isnull=True) | Q(due_on__range=(FIRST_DAY, LAST_DAY)),
        name=f"{table}_due_on_check",
        violation_error_message=f"The due date must be between {FIRST_DAY} and {LAST_DAY}.",
    )


def overdue_index(table: str) -> models.Index:
    """Return the index that finds what is late: unfinished work alone, by its due date."""
    condition = NOT_FINISHED & Q(due_on__isnull=False)
    return models.Index("due_on", name=f"idx_{table}_overdue", condition=condition)
