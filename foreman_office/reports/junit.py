"""Reading JUnit XML, in whatever dialect a runner writes it, in one pass."""

import re
from typing import Any

from foreman_office.reports import dialects
from foreman_office.reports.collecting import (
    ERROR,
    FAILED,
    FAILURE,
    NEITHER,
    PASSED,
    SKIPPED,
    Collector,
)
from foreman_office.reports.dialects import Attempts, Dialect
from foreman_office.reports.linting import Findings
from foreman_office.reports.names import class_prefix
from foreman_office.reports.never_tests import names_no_test, was_never_a_test
from foreman_office.reports.results import (
    MAX_MESSAGE,
    WRITTEN_COLOURS,
    Lint,
    SuiteReport,
    clean,
    cut,
    one_line,
)
from foreman_office.reports.statuses import STATUS_ATTRIBUTES, outcome_of
from foreman_office.reports.suites import Missing, SuiteBeingRead, SuitePart
from foreman_office.reports.tap import put_off
from foreman_office.reports.times import ReportSpan, seconds
from foreman_office.reports.xml_reader import XMLReader

CASE, SUITE, RUN, PROPERTY = "case", "suite", "run", "property"
FAIL, BREAK, SKIP, RERUN, FLAKY, OUT, ERR = "fail", "break", "skip", "rerun", "flaky", "out", "err"
OTHER, MUTED = "other", "muted"
KINDS = {
    "testcase": CASE, "testsuite": SUITE, "testsuites": RUN, "property": PROPERTY,
    "failure": FAIL, "failed": FAIL,
    "error": BREAK, "broken": BREAK, "aborted": BREAK, "timeout": BREAK, "crash": BREAK,
    "skipped": SKIP, "skip": SKIP, "ignored": SKIP, "disabled": SKIP, "pending": SKIP,
    "notrun": SKIP, "todo": SKIP,
    "rerunfailure": RERUN, "rerunerror": RERUN, "flakyfailure": FLAKY, "flakyerror": FLAKY,
    "system-out": OUT, "system-err": ERR, "systemout": OUT, "systemerr": ERR,
}  # fmt: skip
CAPTURED = frozenset({FAIL, BREAK, SKIP, RERUN, FLAKY, OUT, ERR})
# prove: the tests of a file are named by their numbers, and its output says which were put off.
NUMBERED = re.compile(r"\d+( - .*)?", re.DOTALL)
SUBTEST = re.compile(r"(\w+) [\[(].*", re.DOTALL)
MAX_OUTPUT = 1_000_000
# node:test: what a document ends with, in comments
CLOSING_WORD = re.compile(
    r"\s*(?:#\s*)?(fail(?:ed|ures?)?|errors?|cancel+ed|skipped|todo|exit[ _-]?(?:code|status))"
    r"\s*[:=]?\s*(\d{1,9})\s*",
    re.IGNORECASE,
)


class JUnit(XMLReader):
    """The reader of a JUnit document: it handles each element as the parser meets it."""

    def __init__(self, parser: Any, lint: Lint | None) -> None:
        super().__init__(parser)
        self.lint = lint
        self.collector, self.span, self.findings = Collector(), ReportSpan(), Findings(lint)
        self.suites: list[SuiteBeingRead] = []
        self.dialects: list[Dialect] = []
        self.case: dict[str, str] | None = None
        self.part: SuitePart | None = None
        self.outer: list[tuple[dict[str, str], SuitePart | None]] = []
        self.comma_groups = False
        self.closing: dict[str, int] = {}
        self.missing: list[Missing] = []
        self.understated = False
        self.blocks: list[int] = []  # results that may stand for a block of vitest
        self.classless: list[int] | None = []  # errors of an empty class, while no test has one

    # --- elements ---------------------------------------------------------------------------------

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        if self.captured is not None:  # a failure's text may have its own elements
            kind = KINDS.get(self.local(tag), OTHER)
            self.open(MUTED if kind is OUT or kind is ERR else OTHER, tag, attrs)
            if self.stack[-1] is MUTED:
                self.parser.CharacterDataHandler = None
            return
        kind = KINDS.get(tag) or KINDS.get(self.local(tag), OTHER)
        self.open(kind, tag, attrs)
        if kind is CASE:
            if self.case is not None:
                self.outer.append((self.case, self.part))
            self.case, self.part = attrs, None
            if not self.suites:
                self._start_suite({}, True)
        elif kind is SUITE or kind is RUN:
            self._start_suite(attrs, kind is RUN)
        elif kind in CAPTURED:
            self._start_part(kind, attrs)
        elif kind is PROPERTY and self.case is None:
            self._is_of(dialects.of_property(attrs.get("name", "")))

    def end(self, tag: str) -> None:
        kind = self.close()
        if kind is CASE:
            self._end_case()
            if not self.stack:
                self._end_suite()
        elif kind is SUITE or kind is RUN:
            self._end_suite()
        elif kind in CAPTURED:
            self._end_part(kind)
        elif kind is MUTED:
            self.parser.CharacterDataHandler = self.keep_text

    def comment(self, text: str) -> None:
        if word := CLOSING_WORD.fullmatch(text[:200]):
            self.closing[word[1].lower()] = int(word[2])

    def where(self) -> str:
        if self.case is not None:
            return f'<testcase name="{one_line(self.case.get("name", ""))}">'
        if self.suites and self.suites[-1].name:
            return f'<testsuite name="{one_line(self.suites[-1].name)}">'
        return super().where()

    # --- suites -----------------------------------------------------------------------------------

    def _start_suite(self, attrs: dict[str, str], run: bool) -> None:
        above = self.suites[-1] if self.suites else None
        dialect = above.dialect if above else dialects.UNKNOWN
        if not above and run:
            dialect = dialects.of_root(attrs)
        if not run:
            dialect = dialects.of_suite(attrs, dialect)
        self.comma_groups = self.comma_groups or "." in attrs.get("time", "")
        self.suites.append(SuiteBeingRead(attrs, len(self.dialects), dialect, above, run))
        self.dialects.append(dialect)

    def _is_of(self, dialect: Dialect | None) -> None:
        """Note an attribute or property that indicates the dialect of a suite."""
        if dialect is None:
            return
        suite = self.suites[-1]
        suite.dialect = self.dialects[suite.number] = dialect
        suite.prefixes.clear()

    def _end_suite(self) -> None:
        suite = self.suites.pop()
        if suite.part and suite.numbered and "#" in suite.part.out:
            self._put_off(suite, suite.part.out)
        if missing := suite.judge(self.collector):
            self.missing.append(missing)
        self.understated = self.understated or suite.understates
        attrs = suite.attrs
        lasted = seconds(attrs.get("time") or attrs.get("duration"), self.comma_groups)
        self.span.add(attrs.get("timestamp"), lasted or suite.seconds)
        if self.suites:
            suite.counted_into(self.suites[-1])
        else:
            self.run = suite

    def _put_off(self, suite: SuiteBeingRead, output: str) -> None:
        """Read prove's output about tests that were skipped or are still to be done."""
        numbers = put_off(output)
        for position in suite.numbered or ():
            result = self.collector.results[position]
            number = result.name.rpartition("::")[2].partition(" ")[0] if result else ""
            if number in numbers:
                self.collector.skip(position, numbers[number])
                suite.skipped += 1

    # --- what stands in tests and suites ----------------------------------------------------------

    def _start_part(self, kind: str, attrs: dict[str, str]) -> None:
        part = self._part()
        if kind is FAIL or kind is BREAK:
            if part.bad is None:
                part.bad, part.expected = [], part.skip is not None
            part.broken = part.broken or kind is BREAK
        tail = kind is OUT or kind is ERR
        limit = MAX_OUTPUT if tail and self.case is None else MAX_MESSAGE
        self.capture(attrs, limit, tail)

    def _part(self) -> SuitePart:
        if self.case is not None:
            if self.part is None:
                self.part = SuitePart()
            return self.part
        suite = self.suites[-1]
        if suite.part is None:
            suite.part = SuitePart()
        return suite.part

    def _end_part(self, kind: str) -> None:
        part = self._part()
        text, attrs = self.captured_text()
        if kind is OUT:
            part.out = text
            return
        if kind is ERR:
            part.errors = text
            return
        said = [attrs.get("message", "").strip(), text.strip()]
        words = cut(clean("\n".join(filter(None, said))))
        if kind is SKIP:
            part.skip = part.skip or words or attrs.get("type", "")
        elif kind is RERUN or kind is FLAKY:
            part.rerun, part.flaky = part.rerun or kind is RERUN, part.flaky or kind is FLAKY
            part.attempts = part.attempts or words or attrs.get("type", "")
        elif part.bad is not None:
            part.bad.append(words)
            part.type = part.type or attrs.get("type", "")
            if self.suites[-1].dialect is dialects.UNKNOWN:
                self._is_of(dialects.of_failure(part.type))

    # --- tests ------------------------------------------------------------------------------------

    def _end_case(self) -> None:
        attrs, part = self.case, self.part
        self.case, self.part = self.outer.pop() if self.outer else (None, None)
        assert attrs is not None  # noqa: S101
        suite = self.suites[-1]
        if not suite.sniffed:
            suite.sniffed = True
            if suite.dialect is dialects.UNKNOWN:
                self._is_of(dialects.of_first_test(attrs))
        dialect = suite.dialect
        classname = attrs.get("classname")
        name = attrs.get("name", "")
        if classname is None:
            classname = attrs.get("className") or attrs.get("class") or ""
        elif dialect.subtests:
            classname, name = of_unittest(classname, name)
        lasted = seconds(attrs.get("time") or attrs.get("duration"), self.comma_groups)
        suite.seconds += lasted
        suite.written += 1
        if "timestamp" in attrs:
            self.span.add(attrs["timestamp"], lasted)
        outcome: str = PASSED
        message, flaky, kind = None, False, NEITHER
        if part is not None or not STATUS_ATTRIBUTES.isdisjoint(attrs):
            outcome, message, flaky, kind = self._judged(suite, attrs, part)
            if outcome is FAILED and dialect.attempts is Attempts.EACH:
                suite.retriable += 1
        if dialect.linter or self.lint:
            words = message or "" if outcome is FAILED else None
            self.findings.add(attrs.get("file", ""), classname, name, words, suite.name)
            return
        file = attrs.get("file") or suite.file
        key = (classname, file) if file else classname
        prefix = suite.prefixes.get(key)
        if prefix is None:
            prefix = class_prefix(dialect, suite.chain, suite.hosts, clean(classname), file)
            suite.prefixes[key] = prefix
        is_test = outcome is PASSED or not was_never_a_test(suite.name, classname, name, message)
        position = len(self.collector.results)
        self.collector.add(
            f"{prefix}{name}" if name else prefix.removesuffix("::") or suite.name or "unnamed",
            outcome,
            message,
            flaky,
            lasted,
            is_test,
            suite.number,
            kind,
        )
        if suite.numbered is not None:
            if NUMBERED.fullmatch(name):
                suite.numbered.append(position)
            else:
                suite.numbered = None
        if outcome is FAILED and dialect is dialects.VITEST:
            self.blocks.append(position)
        if not classname and "classname" in attrs and self.classless is not None:
            if outcome is FAILED and kind is ERROR:
                self.classless.append(position)
            else:
                self.classless = None

    def _judged(
        self, suite: SuiteBeingRead, attrs: dict[str, str], part: SuitePart | None
    ) -> tuple[str, str | None, bool, int]:
        """Return how a test ended, why, whether it is flaky, and how it failed."""
        told, words = outcome_of(attrs)
        if part and part.bad is not None:
            message = part.words
            if part.expected and not part.broken:  # it failed as expected
                suite.expected += 1
                suite.skipped += 1
                return SKIPPED, cut("\n".join(filter(None, [part.skip, message]))), False, NEITHER
            suite.failing += 1
            message = WRITTEN_COLOURS.sub("", message)
            return FAILED, cut(message) or None, False, ERROR if part.broken else FAILURE
        if part and part.skip is not None:
            suite.skipped += 1
            return SKIPPED, part.skip or None, False, NEITHER
        if part and part.rerun:  # run again and never seen to pass
            suite.failing += 1
            return FAILED, part.attempts, False, FAILURE
        if told is FAILED:
            suite.failing += 1
            output = cut(clean(part.output)) if part else ""
            return FAILED, output or f"The report gives it the {words}.", False, FAILURE
        if told is SKIPPED:
            suite.skipped += 1
            return SKIPPED, None, False, NEITHER
        if told is None and words:
            self.collector.remarks.append(f"It is not known what the {one_line(words)} means.")
        if part and part.flaky:
            return PASSED, part.attempts, True, NEITHER
        return PASSED, None, False, NEITHER

    # --- the whole --------------------------------------------------------------------------------

    def report(self, exit_code: int | None) -> SuiteReport:
        collector = self.collector
        self._name_blocks()
        for position in self.classless or ():
            if result := collector.results[position]:
                collector.results[position] = result._replace(is_test=False)
        exact = not self.understated
        for missing in self.missing:
            (collector.against if missing.exact and exact else collector.remarks).append(
                missing.words
            )
        self._judge_closing_words()
        if self.span.strange:
            stamp = one_line(self.span.strange)
            collector.remarks.append(f"It is not known which time “{stamp}” is.")
        self.findings.put_into(collector)
        known = [dialect for dialect in self.dialects if dialect is not dialects.UNKNOWN]
        return collector.report(
            known[0].name if known else dialects.UNKNOWN.name,
            dialects=self.dialects,
            ended=self.span.end,
            exit_code=exit_code,
        )

    def _judge_closing_words(self) -> None:
        against, run = self.collector.against, self.run
        for word, count in self.closing.items():
            if not count:
                continue
            if word in ("skipped", "todo"):
                if not run.skipped:
                    against.append(f"The runner ends with “{word} {count}”, and writes none.")
            elif word.startswith("exit") or not (run.failing or against):
                against.append(f"The runner ends with “{word} {count}”, and no test has failed.")

    def _name_blocks(self) -> None:
        """Mark a failing block of vitest as no test: the tests in it go on from its name."""
        if not self.blocks:
            return
        inside: set[str] = set()
        for result in self.collector.results:
            parts = result.name.split(" > ") if result else []
            inside.update(" > ".join(parts[:depth]) for depth in range(1, len(parts)))
        for position in self.blocks:
            result = self.collector.results[position]
            if result and result.name in inside:
                self.collector.results[position] = result._replace(is_test=False)


def of_unittest(classname: str, name: str) -> tuple[str, str]:
    """Return class and name of a test of unittest, whose parts are written like tests.

    nose2 cuts "setUpClass (module.Class)" at its dot.
    """
    if "(" in classname and ")" not in classname:
        return "", f"{classname}.{name}"
    if (part := SUBTEST.fullmatch(name)) and not names_no_test(name):
        return classname, part[1]
    return classname, name
