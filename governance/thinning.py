"""How long the tests of old runs are kept one by one: those that passed or were skipped.

What failed is kept for ever, and so are all tests of a run that something may still be compared
with (governance_keeps_tests). The counts of a run, and the digest of all its tests in its evidence,
stay as they were recorded.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from kit.core.acts import act

TASKS_AT_ONCE = 500  # a step looks at, and...
TESTS_AT_ONCE = 20_000  # ...removes, or those of one run: sweeps stay short
NAMES_AT_ONCE = 2_000  # known tests that a step looks at
FIRST = UUID(int=0)


class ThinningStep(NamedTuple):
    """How many runs were thinned, and how many tests were removed."""

    runs: int
    tests: int


def tests_kept_for() -> timedelta:
    return timedelta(days=settings.FOREMAN_TEST_RETENTION_DAYS)


def may_thin() -> bool:
    """Return whether the role in use may thin runs: upkeep's, where an office has one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('governance_thin_runs'::regproc, 'EXECUTE')")
        (may,) = cursor.fetchone()
    return bool(may)


def thin_runs(
    older_than: timedelta, *, dry: bool = False, tests_at_once: int = TESTS_AT_ONCE, **context: str
) -> Iterator[ThinningStep]:
    """Thin all old runs, a step and a transaction at a time; yield what each step removed.

    The caller decides when to go on, and can do other things in between. A dry run only counts.
    """
    days = older_than.days
    reason = f"Tests that passed or were skipped are kept for {days} days."
    reached: UUID | None = FIRST
    while reached is not None:
        with act(None, reason=reason, **context), connection.cursor() as cursor:
            cursor.execute(
                "SELECT * FROM governance_thin_runs(%s, %s, %s, %s, %s)",
                # What is not removed would be met again: a dry run counts tasks whole.
                [days, reached, TASKS_AT_ONCE, 2**31 - 1 if dry else tests_at_once, not dry],
            )
            reached, *removed = cursor.fetchone()
        yield ThinningStep(*removed)


def prune_known_tests(names_at_once: int = NAMES_AT_ONCE) -> Iterator[int]:
    """Remove the known tests that no run names any more; yield how many each step removed."""
    reached: int | None = 0
    while reached is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT * FROM governance_prune_known_tests(%s, %s)", [reached, names_at_once]
            )
            reached, removed = cursor.fetchone()
        yield removed
