"""Reading a test report: JUnit XML as pytest, Surefire, Jest and others write it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from junitparser import xunit2
from junitparser.junitparser import Error, Failure, JUnitXmlError, Skipped

from governance.models import TestOutcome

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
MAX_ELEMENTS = 500_000
MAX_TESTS = 50_000
MAX_NAME = 1_000
MAX_MESSAGE = 10_000
MAX_SECONDS = 24 * 3600


class Unreadable(Exception):
    """The report cannot be taken; the message says why, in a sentence."""


@dataclass(frozen=True)
class Result:
    """One test of a report. `flaky`: it failed, was run again and passed."""

    name: str
    outcome: TestOutcome
    message: str | None = None
    flaky: bool = False


@dataclass(frozen=True)
class Report:
    """The tests of a report, and how long they ran together in milliseconds."""

    results: list[Result]
    execution_time_ms: int

    def count(self, outcome: TestOutcome) -> int:
        return sum(result.outcome == outcome for result in self.results)


def read(data: bytes) -> Report:
    """Read a report. What it says of its own totals is not believed: the tests are counted.

    Raises `Unreadable` for what is too large, nested too deeply, has a document type (and so
    perhaps entities), is no XML, or is no JUnit report.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(f"The report is larger than {MAX_BYTES // 1024 // 1024} MiB.")
    tests = _check_structure(data)
    try:
        cases = list(_cases(xunit2.JUnitXml.fromstring(data)))
    except (JUnitXmlError, ElementTree.ParseError) as error:
        raise Unreadable(f"The report is not JUnit XML: {error}") from error
    if len(cases) > MAX_TESTS:
        raise Unreadable(f"The report has more than {MAX_TESTS} tests.")
    if len(cases) != tests:
        raise Unreadable("The report has tests outside of its suites.")
    seen: Counter[str] = Counter()
    return Report(
        results=[_result(case, seen) for case in cases],
        execution_time_ms=min(round(sum(map(_seconds, cases)) * 1000), 2**31 - 1),
    )


def _check_structure(data: bytes) -> int:
    """Refuse a document type, which is where entities are made, absurd nesting, and masses.

    Returns the number of tests.
    """
    depth = elements = tests = 0

    def doctype(*_: object) -> None:
        raise Unreadable("The report has a document type, which a test report does not need.")

    def start(name: str, _: object) -> None:
        nonlocal depth, elements, tests
        depth, elements, tests = depth + 1, elements + 1, tests + (name == "testcase")
        if depth > MAX_DEPTH:
            raise Unreadable(f"The report is nested deeper than {MAX_DEPTH} elements.")
        if elements > MAX_ELEMENTS:
            raise Unreadable(f"The report has more than {MAX_ELEMENTS} elements.")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Unreadable(f"The report is not XML: {error}.") from error
    except (LookupError, ValueError) as error:  # what Python says of an encoding
        raise Unreadable(f"The report's encoding is not known: {error}.") from error
    return tests


def _cases(root: Any) -> Iterator[xunit2.TestCase]:
    """Walk all test cases: a root may be one suite or many, and a suite walks those inside it."""
    for suite in [root] if isinstance(root, xunit2.TestSuite) else root:
        yield from suite


def _result(case: xunit2.TestCase, seen: Counter[str]) -> Result:
    name = "::".join(part for part in (case.classname, case.name) if part) or "unnamed"
    name = _own_name(name[: MAX_NAME - 20], seen)

    bad = [entry for entry in case.result if isinstance(entry, Failure | Error)]
    interim = case.interim_result
    reasons = [*bad, *interim]
    message = _message(reasons[0]) if reasons else None
    if bad:
        return Result(name, TestOutcome.FAILED, message)
    if any(isinstance(entry, Skipped) for entry in case.result) or _not_run(case):
        return Result(name, TestOutcome.SKIPPED)
    if case.is_rerun:  # run again and never seen to pass
        return Result(name, TestOutcome.FAILED, message)
    return Result(name, TestOutcome.PASSED, message, flaky=case.is_flaky)


def _own_name(name: str, seen: Counter[str]) -> str:
    """Give the same name again a number: it is another test, or nobody would count it."""
    seen[name] += 1
    while (times := seen[name]) > 1:
        name = f"{name} #{times}"
        seen[name] += 1
    return name


def _not_run(case: xunit2.TestCase) -> bool:
    """Some writers have no element for a disabled test, only a status."""
    return case._elem.get("status", "").lower() in {"notrun", "disabled", "skipped", "ignored"}


def _message(entry: xunit2.InterimResult | Failure | Error) -> str:
    parts = [entry.message, entry.text or getattr(entry, "stack_trace", None)]
    return "\n".join(part.strip() for part in parts if part and part.strip())[:MAX_MESSAGE]


def _seconds(case: xunit2.TestCase) -> float:
    """Return how long a test says it ran; what is no sensible time is none."""
    try:
        time = float(case._elem.get("time", "0").replace(",", ""))  # Surefire: 1,234.5
    except ValueError:
        return 0.0
    return time if 0 <= time <= MAX_SECONDS else 0.0
