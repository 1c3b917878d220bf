"""Questions about the quality of work: what changed between two runs, and what red became green."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection

from governance.models import ArchitectureValidation, QAExecution, QATestResult, TestOutcome
from programs.models import Task

FAILED, PASSED, SKIPPED = TestOutcome.FAILED, TestOutcome.PASSED, TestOutcome.SKIPPED


@dataclass(frozen=True)
class Comparison:
    """A run against the run of the same suite before it, test by test.

    `named` tells whether both runs name their tests; where one does not, all lists are empty.
    """

    run: QAExecution
    before: QAExecution | None
    named: bool = False
    newly_failing: list[QATestResult] = field(default_factory=list)
    still_failing: list[QATestResult] = field(default_factory=list)
    fixed: list[QATestResult] = field(default_factory=list)
    newly_skipped: list[QATestResult] = field(default_factory=list)
    vanished: list[QATestResult] = field(default_factory=list)
    flaky: list[QATestResult] = field(default_factory=list)

    @property
    def lists(self) -> list[tuple[str, str, list[QATestResult]]]:
        """What changed, list by list: its look, its words, its tests. The worst comes first."""
        return [
            ("not-passed", "newly failing", self.newly_failing if self.named else []),
            ("not-passed", "still failing", self.still_failing),
            ("overridden", "vanished", self.vanished),
            ("overridden", "newly skipped", self.newly_skipped),
            ("spinning", "flaky", self.flaky),
            ("passed", "fixed", self.fixed),
        ]

    @property
    def first_failure(self) -> QATestResult | None:
        """The first new failure, else the first that goes on."""
        return next(iter([*self.newly_failing, *self.still_failing]), None)


def previous_run(run: QAExecution) -> QAExecution | None:
    """Return the run of the same suite of the same task before this one."""
    return (
        QAExecution.objects.filter(
            task_id=run.task_id,
            qa_suite_location=run.qa_suite_location,
            executed_at__lt=run.executed_at,
        )
        .order_by("-executed_at", "-execution_id")
        .first()
    )


def compare(run: QAExecution, before: QAExecution | None = None) -> Comparison:
    """Compare a run with `before`, or with the run of its suite before it."""
    before = before or previous_run(run)
    now = {result.name: result for result in run.results.order_by("name")}
    then = {result.name: result for result in before.results.order_by("name")} if before else {}
    comparison = Comparison(run, before, named=bool(now and then))
    for result in now.values():
        was = then[result.name].outcome if result.name in then else None
        if result.flaky:
            comparison.flaky.append(result)
        if result.outcome == FAILED:
            (comparison.still_failing if was == FAILED else comparison.newly_failing).append(result)
        elif result.outcome == PASSED and was == FAILED:
            comparison.fixed.append(result)
        elif result.outcome == SKIPPED and was in (FAILED, PASSED):
            comparison.newly_skipped.append(result)
    if comparison.named:
        comparison.vanished.extend(then[name] for name in then if name not in now)
    return comparison


class Goalpost(NamedTuple):
    """A test that was there before work began and is not to be failed any more."""

    name: str
    what: str  # "vanished" or "skipped"


@dataclass(frozen=True)
class Certificate:
    """Red to green: which suite was red at which run before work, and green at which run after."""

    task: Task
    red: QAExecution
    green: QAExecution
    moved: list[Goalpost]

    @property
    def clean(self) -> bool:
        """Tell whether every goalpost stands where it was before work began."""
        return not self.moved


def certificate(task: Task) -> Certificate | None:
    """Return what a completed task proves; None where its runs do not show red become green."""
    if task.state != Task.State.COMPLETED:
        return None
    red = _run_of("governance_red_run", task)
    green = _run_of("governance_latest_run", task)
    if red is None or green is None or not red.failing_tests or green.qa_status != "GREEN":
        return None
    return Certificate(task, red, green, _moved(red, green))


def moved_goalposts(task: Task) -> list[Goalpost]:
    """Name each test that was there before work began and is gone or skipped in the latest run."""
    red, latest = _run_of("governance_red_run", task), latest_run(task)
    return _moved(red, latest) if red and latest else []


def _moved(red: QAExecution, green: QAExecution) -> list[Goalpost]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, what FROM governance_moved_goalposts(%s, %s)", [red.pk, green.pk]
        )
        return [Goalpost(*row) for row in cursor.fetchall()]


def latest_run(task: Task) -> QAExecution | None:
    """Return the latest run of the task's own suite, as the gates see it."""
    return _run_of("governance_latest_run", task)


def _run_of(function: str, task: Task) -> QAExecution | None:
    return next(
        (
            run
            for run in QAExecution.objects.raw(f"SELECT * FROM {function}(%s)", [task.pk])  # noqa: S608  our two names
            if run.pk
        ),
        None,
    )


class ChangedItem(NamedTuple):
    """A checklist item that two validations judge differently; None where one has it not."""

    section: str
    item: str
    before: bool | None
    after: bool | None

    @property
    def sides(self) -> tuple[bool | None, bool | None]:
        return self.before, self.after


def compare_validations(
    before: ArchitectureValidation, after: ArchitectureValidation
) -> list[ChangedItem]:
    """Return the items on which two validations differ, in the order of the later one."""
    then, now = dict(_items(before)), dict(_items(after))
    return [
        ChangedItem(section, item, then.get((section, item)), now.get((section, item)))
        for section, item in dict.fromkeys([*now, *then])
        if then.get((section, item)) != now.get((section, item))
    ]


def _items(validation: ArchitectureValidation) -> Iterator[tuple[tuple[str, str], bool]]:
    for section, items in validation.validation_results.items():
        if isinstance(items, dict):
            for item, passed in items.items():
                yield (section, item), passed is True
