"""Collect the results of a report, and merge those of one name that are one test."""

from array import array
from collections.abc import Iterable

from foreman_office.reports.dialects import UNKNOWN, Attempts, Dialect
from foreman_office.reports.results import (
    MAX_MILLISECONDS,
    MAX_TESTS,
    Outcome,
    Result,
    SuiteReport,
    Unreadable,
    bounded_name,
    cut,
    exit_code_against,
    few,
)
from foreman_office.reports.times import Moment

PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
RANK = {FAILED: 0, SKIPPED: 1, PASSED: 2}
NEITHER, FAILURE, ERROR = 0, 1, 2


class Collector:
    """The results of a report while it is read.

    Of one name are: the attempts of one test, its failures in call and teardown, or several tests.
    None depends on the order in which they are written.
    """

    def __init__(self) -> None:
        self.results: list[Result | None] = []
        self.against: list[str] = []
        self.against_unless_failing: list[str] = []  # where all that failed has passed in the end
        self.remarks: list[str] = []
        self.seconds = 0.0
        self._suites = array("I")
        self._kinds = bytearray()
        self._first: dict[str, int] = {}
        self._again: dict[str, list[int]] = {}

    def add(
        self,
        name: str,
        outcome: str,
        message: str | None = None,
        flaky: bool = False,
        seconds: float = 0.0,
        is_test: bool = True,
        suite: int = 0,
        kind: int = NEITHER,
    ) -> None:
        """Add a result. `suite` numbers the suite that holds it, `kind` is how it failed."""
        position = len(self.results)
        if position >= MAX_TESTS:
            raise Unreadable(f"The report has more than {MAX_TESTS} tests.")
        if len(name) > 500:
            name = bounded_name(name)
        if name in self._first:
            self._again.setdefault(name, [self._first[name]]).append(position)
        else:
            self._first[name] = position
        self.seconds += seconds
        self.results.append(
            Result(name, outcome, message or None, flaky, int(seconds * 1000 + 0.5), is_test)
        )
        self._suites.append(suite)
        self._kinds.append(kind)

    def skip(self, position: int, reason: str) -> None:
        """Mark the test of a result that has passed so far as put off."""
        result = self.results[position]
        if result and result.outcome == PASSED:
            self.results[position] = result._replace(outcome=SKIPPED, message=reason)

    def report(
        self,
        dialect: str,
        *,
        dialects: list[Dialect] | None = None,
        ended: Moment | None = None,
        exit_code: int | None = None,
        execution_time_ms: int | None = None,
    ) -> SuiteReport:
        """Return the report. `dialects` has the dialect of each suite, by its number."""
        self._settle(dialects or [])
        results = [result for result in self.results if result]
        outcomes = [result.outcome for result in results]
        if FAILED not in outcomes and not self.against:
            self.against += self.against_unless_failing
        if execution_time_ms is None:
            execution_time_ms = int(self.seconds * 1000 + 0.5)
        return SuiteReport(
            dialect=dialect,
            results=results,
            passing=outcomes.count(PASSED),
            failing=outcomes.count(FAILED),
            skipped=outcomes.count(SKIPPED),
            against=few([*self.against, *exit_code_against(exit_code)]),
            remarks=few(self.remarks),
            execution_time_ms=min(execution_time_ms, MAX_MILLISECONDS),
            ended=ended,
            exit_code=exit_code,
        )

    # --- several results of one name --------------------------------------------------------------

    def _settle(self, dialects: list[Dialect]) -> None:
        if not self._again:
            return
        counted = self._counted_runs(dialects)
        for name, positions in self._again.items():
            kept: list[Result] = []
            for suite, inside in self._by_suite(positions).items():
                dialect = dialects[suite] if suite < len(dialects) else UNKNOWN
                kept += self._fold(inside, dialect, suite in counted)
            for position in positions:
                self.results[position] = None
            self._number(name, positions, kept)
        self._again.clear()

    def _by_suite(self, positions: Iterable[int]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for position in positions:
            found.setdefault(self._suites[position], []).append(position)
        return found

    def _counted_runs(self, dialects: list[Dialect]) -> set[int]:
        """Return the suites in which results of one name are different tests, not attempts.

        `gotestsum --rerun-fails` repeats what failed, and `go test -count=2` what passed as well. A
        pytest that runs each test in two places repeats them all.
        """
        counted = set()
        names: dict[int, int] = {}
        repeated: dict[int, int] = {}
        for name, position in self._first.items():
            for suite in {self._suites[each] for each in self._again.get(name, [position])}:
                names[suite] = names.get(suite, 0) + 1
        for name, positions in self._again.items():
            for suite, inside in self._by_suite(positions).items():
                attempts = dialects[suite].attempts if suite < len(dialects) else Attempts.NONE
                if len(inside) < 2 or attempts is Attempts.NONE:
                    continue
                if attempts is Attempts.BARE:
                    repeated[suite] = repeated.get(suite, 0) + 1
                elif "/" not in name.rpartition("::")[2] and all(
                    self._outcome(each) != FAILED for each in inside
                ):
                    counted.add(suite)
        return counted | {
            suite for suite, times in repeated.items() if times > 1 and times == names.get(suite)
        }

    def _outcome(self, position: int) -> str | None:
        result = self.results[position]
        return result.outcome if result else None

    def _fold(self, positions: list[int], dialect: Dialect, counted: bool) -> list[Result]:
        """Return the tests that results of one name in one suite stand for."""
        by_kind: dict[int, list[Result]] = {NEITHER: [], FAILURE: [], ERROR: []}
        for position in positions:
            if result := self.results[position]:
                by_kind[self._kinds[position]].append(result)
        for results in by_kind.values():
            results.sort(key=in_order)
        kept, failures, errors = by_kind[NEITHER], by_kind[FAILURE], by_kind[ERROR]
        if dialect.unique:
            attempts = Attempts.NONE if counted else dialect.attempts
            return [merged([*failures, *errors, *kept], attempts)]
        # A failure in the call and an error in the teardown are of one test.
        both = min(len(failures), len(errors))
        twins = zip(failures[:both], errors[:both], strict=True)
        return [
            *kept,
            *failures[both:],
            *errors[both:],
            *(merged([*pair], Attempts.NONE) for pair in twins),
        ]

    def _number(self, name: str, positions: list[int], kept: list[Result]) -> None:
        """Rename several tests of one name apart, the worst outcome first."""
        kept.sort(key=in_order)
        number = 1
        for position, result in zip(positions, kept, strict=False):
            own = name
            while number > 1 and (own := bounded_name(f"{name} #{number}")) in self._first:
                number += 1
            self.results[position] = result._replace(name=own)
            number += 1


def in_order(result: Result) -> tuple[int, str, bool, int, bool]:
    """Return what orders results of one name, the worst first, wherever they are written."""
    return (
        RANK[Outcome(result.outcome)],
        result.message or "",
        result.flaky,
        result.duration_ms or 0,
        result.is_test,
    )


def merged(results: list[Result], attempts: Attempts) -> Result:
    """Return the one test that several results stand for: the worst outcome stands.

    Where they are attempts, one that passed in the end has passed, and is flaky.
    """
    if len(results) == 1:
        return results[0]
    outcomes = {result.outcome for result in results}
    worst = min(results, key=in_order)
    messages = dict.fromkeys(result.message for result in results if result.message)
    outcome, flaky = worst.outcome, any(result.flaky for result in results)
    if attempts is Attempts.EACH and {FAILED, PASSED} <= outcomes:
        outcome, flaky = PASSED, True
    elif attempts is Attempts.BARE:
        flaky = True
    return worst._replace(
        outcome=outcome,
        message=cut("\n\n".join(messages)) if messages else None,
        flaky=flaky and outcome == PASSED,
        duration_ms=sum(result.duration_ms or 0 for result in results),
        is_test=any(result.is_test for result in results),
    )
