"""Questions about the quality of work: what changed between two runs, and what red became green."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.db import connection
from django.db.models import DateTimeField, Exists, Func, OuterRef, Q, Value

from governance.models import (
    ArchitectureValidation,
    Evidence,
    PairedTest,
    QAExecution,
    QATestResult,
    TestOutcome,
    ThinnedRun,
)
from governance.pairing import Pair, pair_left_over, subtests_of_others, that_stood_for_others
from programs.models import Task

CRITERIA = {
    "acceptance_criteria": "acceptance criteria",
    "architecture_reference": "architecture reference",
    "qa_suite_location": "QA suite",
}
FAILED, PASSED, SKIPPED = TestOutcome.FAILED, TestOutcome.PASSED, TestOutcome.SKIPPED


class ComparedTest(NamedTuple):
    """A test of one of two runs, without its message: there may be fifty thousand."""

    pk: int
    name: str
    outcome: str
    flaky: bool
    is_test: bool


class ComparisonList(NamedTuple):
    """Tests of which the same is to be said: its look, its words, and the run that they are in."""

    look: str
    words: str
    results: list[ComparedTest]
    run: QAExecution


@dataclass(frozen=True)
class Comparison:
    """A run against the run of the same suite before it, test by test.

    `named` tells whether both runs name their tests; where one does not, all lists are empty. Of a
    run that is `thinned` only the tests that failed are known: the rest is left out.
    """

    run: QAExecution
    before: QAExecution | None
    named: bool = False
    thinned: ThinnedRun | None = None
    thinned_before: ThinnedRun | None = None
    newly_failing: list[ComparedTest] = field(default_factory=list)
    still_failing: list[ComparedTest] = field(default_factory=list)
    fixed: list[ComparedTest] = field(default_factory=list)
    newly_skipped: list[ComparedTest] = field(default_factory=list)
    vanished: list[ComparedTest] = field(default_factory=list)
    renamed: list[Pair] = field(default_factory=list)
    flaky: list[ComparedTest] = field(default_factory=list)

    @property
    def lists(self) -> list[ComparisonList]:
        """Return what changed, list by list; the worst first."""
        run, before = self.run, self.before or self.run
        if self.thinned:
            return [
                ComparisonList("not-passed", "newly failing", self.newly_failing, run),
                ComparisonList("not-passed", "still failing", self.still_failing, run),
            ]
        return [
            ComparisonList(
                "not-passed", "newly failing", self.newly_failing if self.named else [], run
            ),
            ComparisonList("not-passed", "still failing", self.still_failing, run),
            ComparisonList("overridden", "removed", self.vanished, before),
            ComparisonList("overridden", "newly skipped", self.newly_skipped, run),
            ComparisonList("spinning", "flaky", self.flaky, run),
            ComparisonList("passed", "fixed", self.fixed, run),
        ]

    @cached_property
    def first_failure(self) -> QATestResult | None:
        """Return the first new failure, else the first that was there before."""
        for failures in (self.newly_failing, self.still_failing):
            if failures:
                return QATestResult.objects.filter(pk=failures[0].pk).first()
        return None


def previous_run(run: QAExecution) -> QAExecution | None:
    """Return the run of the same suite of the same task that arrived before this one."""
    return (
        QAExecution.objects.filter(task_id=run.task_id, qa_suite_location=run.qa_suite_location)
        .filter(
            Q(arrived_at__lt=run.arrived_at)
            | Q(arrived_at=run.arrived_at, recorded__lt=run.recorded)
        )
        .order_by("-arrived_at", "-recorded")
        .first()
    )


def compare(run: QAExecution, before: QAExecution | None = None) -> Comparison:
    """Compare a run with `before`, or with the run of its suite before it.

    Names are compared exactly first; what is left over is paired by a rule, one to one.
    """
    before = before or previous_run(run)
    names = Exists(QATestResult.objects.filter(execution=OuterRef("pk")))
    both = QAExecution.objects.select_related("thinned").annotate(names_tests=names)
    # The first run of a suite is compared with nothing, and is never thinned.
    found = both.in_bulk([run.pk, before.pk]) if before else {}
    thinned = {key: each.thinned for key, each in found.items() if hasattr(each, "thinned")}
    named = before is not None and all(
        each.names_tests or key in thinned for key, each in found.items()
    )
    changed = changed_tests(run, before if named else None)
    gone = [then for now, then in changed if then and now is None and run.pk not in thinned]
    of_both = _names_of(before, run) if before and gone else (set(), set())
    pairs = [] if thinned else pair_left_over(*of_both)
    comparison = Comparison(
        run,
        before,
        named=named,
        thinned=thinned.get(run.pk),
        thinned_before=thinned.get(before.pk) if before else None,
        renamed=pairs,
    )
    was_called = {pair.after: pair.before for pair in pairs}
    outcomes = {then.name: then.outcome for then in gone}
    if was_called:
        changed = changed_tests(run, before, renamed=was_called)
    for now, then in changed:
        if now is None:
            continue
        was = then.outcome if then else outcomes.get(was_called.get(now.name, now.name))
        if now.flaky:
            comparison.flaky.append(now)
        if now.outcome == FAILED:
            (comparison.still_failing if was == FAILED else comparison.newly_failing).append(now)
        elif now.outcome == PASSED and was == FAILED:
            comparison.fixed.append(now)
        elif now.outcome == SKIPPED and was in (FAILED, PASSED):
            comparison.newly_skipped.append(now)
    paired = {pair.before for pair in pairs}
    left = [then for then in gone if then.is_test and then.name not in paired]
    comparison.vanished.extend(_vanished(left, *of_both))
    return comparison


COLUMNS = ["id", "name", "outcome", "flaky", "is_test"]
# What is new and did not fail is of no interest, and is most of a suite that was not there before.
CHANGED_TESTS = f"""
    SELECT {", ".join(f"{of}.{column}" for of in ("now", "was") for column in COLUMNS)}
    FROM (SELECT * FROM qa_test_results WHERE execution_id = %(run)s) AS now
    FULL JOIN (SELECT * FROM qa_test_results WHERE execution_id = %(before)s) AS was USING (name)
    WHERE now.flaky OR now.outcome = 'failed'
       OR (was.id IS NOT NULL AND now.outcome IS DISTINCT FROM was.outcome)
       OR now.name = ANY(%(renamed)s)
    ORDER BY coalesce(now.name, was.name)
"""  # noqa: S608  our names of columns

# A test as it is in a run and as it was in the run before; None where it is not in one of them.
Changed = tuple[ComparedTest | None, ComparedTest | None]


def changed_tests(
    run: QAExecution, before: QAExecution | None, renamed: Collection[str] = ()
) -> list[Changed]:
    """Return the tests of two runs that failed, are flaky, or ended otherwise, in each of them.

    Most of fifty thousand did not change, and are not read. `renamed` are tests to include.
    """
    keys = {"run": run.pk, "before": before.pk if before else None}
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_TESTS, keys | {"renamed": [*renamed]})
        count = len(COLUMNS)
        return [
            (
                ComparedTest._make(row[:count]) if row[0] is not None else None,
                ComparedTest._make(row[count:]) if row[count] is not None else None,
            )
            for row in cursor
        ]


def _names_of(before: QAExecution, run: QAExecution) -> tuple[set[str], set[str]]:
    """Return the names of the tests of two runs."""
    of = QATestResult.objects.values_list("name", flat=True)
    return {*of.filter(execution=before)}, {*of.filter(execution=run)}


def _vanished(
    gone: list[ComparedTest], then: Collection[str], now: Collection[str]
) -> list[ComparedTest]:
    """Return the tests that are gone; what was never a test may be."""
    failed = {result.name for result in gone if result.outcome == FAILED}
    stood = that_stood_for_others(failed, then, now) | subtests_of_others(failed, then, now)
    return [result for result in gone if result.name not in stood]


class Goalpost(NamedTuple):
    """A test that was there before work began and is not to be failed any more."""

    name: str
    what: str  # "removed" or "skipped"


class CriteriaChange(NamedTuple):
    """A change of what a task is judged by while it was under way: when, by whom, what and why."""

    at: datetime
    by: str
    columns: list[str]
    reason: str

    @property
    def words(self) -> str:
        """Return what was changed: "Acceptance criteria and QA suite"."""
        words = " and ".join(CRITERIA[column] for column in self.columns)
        return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class Certificate:
    """Red to green: which suite was red at which run before work, and green at which run after.

    `by_name` tells whether the red run named its tests; else only counts were compared. `edited`
    tells whether one of the two, or its tests, was changed by hand after it was recorded. `pairs`
    are tests that have another name after the work. `changes` are those of the criteria during it.
    """

    task: Task
    red: QAExecution
    green: QAExecution
    moved: list[Goalpost]
    by_name: bool
    edited: bool
    pairs: list[PairedTest]
    changes: list[CriteriaChange]

    @property
    def clean(self) -> bool:
        """Return whether every goalpost stands where it was before work began."""
        return not self.moved


def certificate(task: Task) -> Certificate | None:
    """Return what a completed task proves; None where its runs do not show red become green."""
    if task.state != Task.State.COMPLETED:
        return None
    red, green = red_run(task), latest_run(task)
    if red is None or green is None or green.qa_status != "GREEN":
        return None
    if not red.failing_tests and not red.against:
        return None
    red.task = green.task = task
    return Certificate(
        task,
        red,
        green,
        _moved(red, green),
        by_name=red.results.filter(is_test=True).exists(),
        edited=was_edited(red) or was_edited(green),
        pairs=list(green.pairs.filter(earlier_id=red.pk).order_by("name")),
        changes=criteria_changes(task),
    )


def criteria_changes(task: Task) -> list[CriteriaChange]:
    """Return the changes of what a task is judged by since its present attempt began."""
    began = Func(Value(task.pk), function="governance_work_began", output_field=DateTimeField())
    rows = (
        Evidence.objects.of(task)
        .filter(context__changes__has_any_keys=[*CRITERIA], timestamp__gte=began, witnessed=True)
        .filter(context__has_any_keys=["reason", "override"])
        .order_by("sequence")
    )
    return [
        CriteriaChange(
            row.timestamp,
            row.context.get("user", row.actor),
            [column for column in CRITERIA if column in row.context["changes"]],
            row.context.get("override") or row.context.get("reason", ""),
        )
        for row in rows
    ]


def was_edited(run: QAExecution) -> bool:
    """Return whether a run, or its tests, was changed after it was recorded."""
    return (
        Evidence.objects.of(run.task)
        .filter(
            action__in=["qa_run_edited", "qa_run_tests_edited"],
            context__snapshot__execution_id=str(run.pk),
        )
        .exists()
    )


def moved_goalposts(task: Task) -> list[Goalpost]:
    """Return each test from before work began that is gone or skipped in the latest run."""
    red, latest = red_run(task), latest_run(task)
    return _moved(red, latest) if red and latest else []


def _moved(red: QAExecution, green: QAExecution) -> list[Goalpost]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, what FROM governance_moved_goalposts(%s, %s)", [red.pk, green.pk]
        )
        return [Goalpost(*row) for row in cursor.fetchall()]


def red_run(task: Task) -> QAExecution | None:
    """Return the run that showed the task's own suite red before work began."""
    return _run_of("governance_red_run", task)


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
