"""A suite of a JUnit report, and what it has against its run beside its tests."""

from collections.abc import Mapping

from foreman_office.reports.collecting import FAILED, SKIPPED, Collector
from foreman_office.reports.dialects import Dialect
from foreman_office.reports.results import clean, cut, one_line
from foreman_office.reports.statuses import WORDED, outcome_of
from foreman_office.reports.totals import MAX_COUNT, declared, unreadable_totals

FAILURES = ("failures", "failure", "failed")
ERRORS = ("errors", "error")
SKIPS = ("skipped", "skip", "skips", "disabled", "ignored")


class SuitePart:
    """The text of a test or a suite beside other tests: failures, skips, outputs."""

    __slots__ = (
        "attempts", "bad", "broken", "errors", "expected", "flaky", "out", "rerun", "skip", "type",
    )  # fmt: skip

    def __init__(self) -> None:
        self.bad: list[str] | None = None  # the words of failures and errors
        self.broken = False  # an error is among them
        self.expected = False  # put off first, and failed then
        self.skip: str | None = None
        self.attempts: str | None = None
        self.flaky = self.rerun = False
        self.out = self.errors = self.type = ""

    @property
    def words(self) -> str:
        """Return what failed, in the runner's words, in whichever element they are."""
        return cut("\n".join(filter(None, self.bad or ())) or clean(self.output) or self.type)

    @property
    def output(self) -> str:
        return (self.errors or self.out).strip()


class SuiteBeingRead:
    """A suite while it is read, or the root of a report, with what was counted in it."""

    __slots__ = (
        "attrs", "chain", "dialect", "expected", "failing", "file", "hosts", "is_run", "missing",
        "name", "number", "numbered", "part", "prefixes", "retriable", "seconds", "skipped",
        "sniffed", "spoken", "spoken_of_skips", "written",
    )  # fmt: skip

    def __init__(
        self,
        attrs: Mapping[str, str],
        number: int,
        dialect: Dialect,
        above: "SuiteBeingRead | None",
        run: bool,
    ) -> None:
        self.attrs, self.number, self.dialect, self.is_run = attrs, number, dialect, run
        self.name = attrs.get("name", "")
        chain, hosts, file = (above.chain, above.hosts, above.file) if above else ((), (), "")
        self.chain: tuple[str, ...] = chain if run else (*chain, self.name)
        host = attrs.get("hostname", "")
        self.hosts: tuple[str, ...] = (*hosts, host) if host else hosts
        self.file: str = attrs.get("file") or file
        self.prefixes: dict[object, str] = {}
        self.sniffed = False
        self.part: SuitePart | None = None
        self.numbered: list[int] | None = []  # results that are named by their numbers
        self.written = self.failing = self.expected = self.skipped = self.missing = 0
        self.retriable = 0  # of the failing: attempts, of which another may have passed
        self.seconds = 0.0
        self.spoken = self.spoken_of_skips = False

    def counted_into(self, above: "SuiteBeingRead") -> None:
        above.written += self.written
        above.failing += self.failing
        above.retriable += self.retriable
        above.expected += self.expected
        above.skipped += self.skipped
        above.missing += self.missing
        above.seconds += self.seconds
        above.spoken |= self.spoken
        above.spoken_of_skips |= self.spoken_of_skips

    # --- what speaks against the run --------------------------------------------------------------

    def judge(self, collector: Collector) -> "Missing | None":
        """Record what the suite holds against its run; return how many of its tests are missing."""
        if words := self._failed_itself():
            collector.against.append(self._told("itself failed", words))
            self.spoken = True
        elif (
            0 < self.failing == self.retriable
            and not self.spoken
            and (words := self._declares_more())
        ):
            collector.against_unless_failing.append(self._told("itself failed", words))
        if words := self._skipped_itself():
            collector.against.append(self._told("itself was skipped", words))
            self.spoken_of_skips = True
        skips = declared(self.attrs, SKIPS)
        if skips and not self.skipped and not self.spoken_of_skips:
            words = f"it declares {many(skips, 'skipped test')} and writes none"
            collector.against.append(self._told("hides what it skipped", words))
            self.spoken_of_skips = True
        for words in unreadable_totals(self.attrs, (*FAILURES, *ERRORS, *SKIPS, "tests")):
            collector.remarks.append(f"{self._element()} has {words}.")
        return self._missing()

    def _element(self) -> str:
        tag = "testsuites" if self.is_run else "testsuite"
        return f'<{tag} name="{one_line(self.name)}">' if self.name else f"<{tag}>"

    def _failed_itself(self) -> str:
        """Return why the suite failed beside its tests; nothing if it did not."""
        part = self.part
        if part and part.bad is not None:
            return part.words or "it does not say why"
        if self.failing or self.spoken:
            return ""
        if said := self._declares_more():
            return f"{part.output} ({said})" if part and part.output else said
        outcome, words = self._outcome()
        if outcome is FAILED and not self.expected:
            return f"{part.output} ({words})" if part and part.output else f"it has the {words}"
        return ""

    def _declares_more(self) -> str:
        """Return that the suite declares more failures than it holds; empty if it does not."""
        failures, errors = declared(self.attrs, FAILURES), declared(self.attrs, ERRORS)
        if failures + errors > self.failing + self.expected:
            counts = [many(failures, "failure")] * bool(failures)
            counts += [many(errors, "error")] * bool(errors)
            held = many(self.failing, "failing test") if self.failing else "no failing test"
            return f"it declares {' and '.join(counts)} and holds {held}"
        return ""

    def _skipped_itself(self) -> str:
        if self.part and self.part.skip is not None:
            return self.part.skip or "it does not say why"
        outcome, words = self._outcome()
        return f"it has the {words}" if outcome is SKIPPED and not self.skipped else ""

    def _outcome(self) -> tuple[str | None, str]:
        return outcome_of({key: self.attrs.get(key, "") for key in WORDED})

    def _told(self, what: str, words: str) -> str:
        where = "" if self.is_run or not self.name else f" (in “{one_line(self.name)}”)"
        subject = "run" if self.is_run else "suite"
        return f"The {subject} {what}: {one_line(words).rstrip('.')}{where}."

    def _missing(self) -> "Missing | None":
        """Return that the suite declares more tests than are written."""
        count = declared(self.attrs, ("tests",))
        missing = count - self.written - self.missing
        if missing <= 0 or self.spoken or self.dialect.linter:
            return None
        self.missing += missing
        where = f" in “{one_line(self.name)}”" if self.name else ""
        return Missing(
            f"Only {self.written} of the {many(count, 'declared test')}{where} are written.",
            self.dialect.exact,
        )

    @property
    def understates(self) -> bool:
        """Return whether it declares fewer tests than it holds, so that its totals are inexact."""
        return 0 < declared(self.attrs, ("tests",)) < self.written


class Missing:
    """Return that tests are declared and not written: against the run where totals are exact."""

    __slots__ = ("exact", "words")

    def __init__(self, words: str, exact: bool) -> None:
        self.words, self.exact = words, exact


def many(count: int, thing: str) -> str:
    number = f"at least {count}" if count == MAX_COUNT else str(count)
    return f"{number} {thing}{'' if count == 1 else 's'}"
