"""What became of one test over the runs of its suite: its outcomes, failures and flakiness."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from governance.models import PairedTest, QAExecution, QATestResult, TestOutcome, ThinnedRun
from programs.models import Task

LOOKED_AT = 1_000  # runs of a suite that a test is looked for in, the newest first

FAILED, PASSED, SKIPPED = TestOutcome.FAILED, TestOutcome.PASSED, TestOutcome.SKIPPED
NOT_KEPT = "not-kept"  # it did not fail; the run is old, and of it only what failed is kept


class PastOutcome(NamedTuple):
    """The outcome of a test in one run of its suite."""

    result_id: int | None  # None where it is not kept
    outcome: str
    flaky: bool  # it failed at first and passed when it was run again in the same run
    run_id: UUID
    executed_at: datetime
    arrived_at: datetime
    recorded: int
    task_id: UUID


@dataclass(frozen=True)
class CaseHistory:
    """The outcomes of a test of a suite, by its exact name, the newest first."""

    suite: str
    name: str
    outcomes: Sequence[PastOutcome]
    runs: int  # of the suite that were looked at

    @property
    def latest(self) -> PastOutcome:
        return self.outcomes[0]

    @property
    def all_runs_looked_at(self) -> bool:
        return self.runs < LOOKED_AT

    @cached_property
    def first_failure(self) -> PastOutcome | None:
        """Return the earliest failure in the runs that were looked at."""
        return next((past for past in reversed(self.outcomes) if past.outcome == FAILED), None)

    @cached_property
    def failing_since(self) -> PastOutcome | None:
        """Return the first run of those in which it has failed ever since; None if it does not.

        A run that skipped it neither ends that nor begins it.
        """
        since = None
        for past in self.outcomes:
            if past.outcome in (PASSED, NOT_KEPT):
                break
            since = past if past.outcome == FAILED else since
        return since

    @cached_property
    def passed_before(self) -> PastOutcome | None:
        """Return the last run in which it passed before it failed as it does now."""
        return next((past for past in self.outcomes if past.outcome == PASSED), None)

    def times(self, outcome: str) -> int:
        return sum(past.outcome == outcome for past in self.outcomes)

    @property
    def failed(self) -> int:
        return self.times(FAILED)

    @property
    def passed(self) -> int:
        return self.times(PASSED)

    @property
    def skipped(self) -> int:
        return self.times(SKIPPED)

    @property
    def not_kept(self) -> int:
        """Return how many runs of its tasks did not fail it, and do not tell more any longer."""
        return self.times(NOT_KEPT)

    @property
    def named(self) -> int:
        """Return how many runs tell its outcome."""
        return len(self.outcomes) - self.not_kept

    @property
    def retried(self) -> int:
        """Return in how many runs it passed only when it was run again."""
        return sum(past.flaky for past in self.outcomes)

    @cached_property
    def changes(self) -> int:
        """Return how often it passed in a run and failed in the next one, or the other way round.

        Of several tasks that have this suite, each has its own runs.
        """
        last: dict[UUID, list[str]] = {}
        for past in self.outcomes:
            if past.outcome in (FAILED, PASSED):
                last.setdefault(past.task_id, []).append(past.outcome)
        return sum(a != b for outcomes in last.values() for a, b in pairwise(outcomes))

    @cached_property
    def tasks(self) -> list[tuple[Task, PastOutcome]]:
        """Return the tasks whose runs name it, each with its latest outcome, the newest first."""
        newest: dict[UUID, PastOutcome] = {}
        for past in self.outcomes:
            newest.setdefault(past.task_id, past)
        found = Task.objects.select_related("wave__program").in_bulk(newest)
        return [(found[key], past) for key, past in newest.items() if key in found]

    @cached_property
    def newest_message(self) -> QATestResult | None:
        """Return the newest result that has a message."""
        kept = [past.result_id for past in self.outcomes if past.result_id is not None]
        with_message = (
            QATestResult.objects.filter(pk__in=kept).exclude(message=None).exclude(message="")
        )
        return (
            with_message.select_related("execution")
            .order_by("-execution__arrived_at", "-execution__recorded")
            .first()
        )

    @cached_property
    def earlier_names(self) -> list[str]:
        """Return the names that it had in the red run of its task, by the pairs of later runs."""
        pairs = PairedTest.objects.filter(
            execution__in=[past.run_id for past in self.outcomes], later_name=self.name
        )
        return sorted(set(pairs.values_list("name", flat=True)))


def case_history(suite: str, name: str) -> CaseHistory:
    """Return the outcomes of a test in the newest runs of its suite, of whatever task.

    Each run is asked for the one name by its key: how many tests runs have makes no difference.
    """
    runs = QAExecution.objects.filter(qa_suite_location=suite).order_by("-arrived_at", "-recorded")
    newest = list(runs.values_list("pk", flat=True)[:LOOKED_AT])
    results = QATestResult.objects.filter(execution__in=newest, name=name)
    told = results.values_list(
        *("pk", "outcome", "flaky", "execution_id", "execution__executed_at"),
        *("execution__arrived_at", "execution__recorded", "execution__task_id"),
    )
    outcomes = [PastOutcome(*row) for row in told]
    outcomes += not_kept(newest, outcomes)
    outcomes.sort(key=lambda past: (past.arrived_at, past.recorded), reverse=True)
    return CaseHistory(suite, name, outcomes, len(newest))


def not_kept(runs: Sequence[UUID], outcomes: Sequence[PastOutcome]) -> list[PastOutcome]:
    """Return the thinned runs of the tasks of a test that do not tell of it any longer."""
    thinned = ThinnedRun.objects.filter(
        execution__in=runs, execution__task__in={past.task_id for past in outcomes}
    ).exclude(execution__in=[past.run_id for past in outcomes])
    told = thinned.values_list(
        *("execution_id", "execution__executed_at", "execution__arrived_at"),
        *("execution__recorded", "execution__task_id"),
    )
    return [PastOutcome(None, NOT_KEPT, False, *row) for row in told]


def parts_of_name(name: str) -> tuple[str, str]:
    """Return where a test is, by its file and class, and what it is called there.

    A report's parts are joined by `::` or ` > `; a parameter may have either in brackets.
    """
    head, bracket, parameter = name.partition("[")
    for sign in ("::", " > "):
        place, found, own = head.rpartition(sign)
        if found and place and own:
            return place, own + bracket + parameter
    return "", name
