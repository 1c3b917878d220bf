"""The tests of a run by name: stored with the run, and paired with those of the red run."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from django.db import connection

from governance.models import PairedTest, QAExecution, QATestResult, TestOutcome
from governance.pairing import pair_left_over, subtests_of_others, that_stood_for_others
from governance.quality import red_run
from kit.core.ids import time_ordered_id
from kit.core.inserting import inserting
from programs.models import Task

STOOD_FOR_OTHERS = "what its tests are named after"
SUBTESTS = "subtests, of which only those that fail are written"


class NamedTest(Protocol):
    """One test of a report."""

    @property
    def name(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def message(self) -> str | None: ...
    @property
    def flaky(self) -> bool: ...
    @property
    def is_test(self) -> bool: ...


@contextmanager
def written_tests(task: Task, tests: Sequence[NamedTest]) -> Iterator[UUID]:
    """Insert the tests of a task's run, and yield the key of the run that is then to be recorded.

    They come before their run, whose evidence holds a digest of them. There may be fifty thousand,
    and nobody waits for their task before the run is there.
    """
    key = time_ordered_id()
    if not tests:
        yield key
        return
    columns = ["execution_id", "name", "outcome", "flaky", "message", "is_test"]
    _check_runs_of_tests("DEFERRED")
    run, whose = str(key), f"governance_organisation_of('task', '{task.pk}')"
    with inserting(QATestResult, columns, organisation_id=whose) as rows:
        for test in tests:
            row = run, test.name, str(test.outcome), test.flaky, test.message, test.is_test
            rows.write_row(row)
    yield key
    _check_runs_of_tests("IMMEDIATE")


def _check_runs_of_tests(when: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS qa_test_results_execution_id_fkey {when}")


def pair_tests(run: QAExecution, tests: Sequence[NamedTest]) -> None:
    """Store which tests of the red run are under another name in a run that has been recorded."""
    red = red_run(run.task) if tests else None
    if red is not None and red.pk != run.pk:
        PairedTest.objects.bulk_create(_pairs(red, run, tests), batch_size=1_000)


GONE = """
    SELECT name, outcome FROM qa_test_results AS red
    WHERE execution_id = %s AND is_test AND NOT EXISTS (
        SELECT FROM qa_test_results AS run WHERE run.execution_id = %s AND run.name = red.name
    )
"""


def _pairs(red: QAExecution, run: QAExecution, tests: Iterable[NamedTest]) -> Iterable[PairedTest]:
    """Return pairs of the names that only one of two runs has.

    Most runs have all names of the red one, and then neither is read.
    """
    with connection.cursor() as cursor:
        cursor.execute(GONE, [red.pk, run.pk])
        gone = dict(cursor.fetchall())
    if not gone:
        return []
    names = {test.name for test in tests}
    before = {*QATestResult.objects.filter(execution=red).values_list("name", flat=True)}
    pairs = pair_left_over(before, names)
    paired = {pair.before for pair in pairs}
    failed = {name for name, outcome in gone.items() if outcome == TestOutcome.FAILED}
    rules = dict.fromkeys(that_stood_for_others(failed - paired, before, names), STOOD_FOR_OTHERS)
    rules |= dict.fromkeys(subtests_of_others(failed - paired, before, names), SUBTESTS)
    return [
        *(
            PairedTest(
                execution=run,
                earlier_id=red.pk,
                name=pair.before,
                later_name=pair.after,
                rule=pair.rule,
            )
            for pair in pairs
        ),
        *(
            PairedTest(execution=run, earlier_id=red.pk, name=name, rule=rule)
            for name, rule in sorted(rules.items())
        ),
    ]
