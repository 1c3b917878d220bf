"""Reading NUnit, xUnit.net v2 and TRX, each by a short mapping of its elements."""

from typing import Any

from foreman_office.reports.collecting import FAILED, FAILURE, NEITHER, PASSED, SKIPPED, Collector
from foreman_office.reports.never_tests import names_no_test
from foreman_office.reports.results import MAX_MESSAGE, SuiteReport, clean, cut, one_line
from foreman_office.reports.statuses import meaning
from foreman_office.reports.suites import many
from foreman_office.reports.times import ReportSpan, clock_seconds, seconds
from foreman_office.reports.totals import declared, unreadable_totals
from foreman_office.reports.xml_reader import XMLReader

SKIPS = ("skipped", "not-run", "ignored", "inconclusive", "notExecuted", "notRunnable")


class Element:
    """An element that is open: its attributes, and the texts of those inside it."""

    __slots__ = ("attrs", "inside", "tag", "texts")

    def __init__(self, tag: str, attrs: dict[str, str]) -> None:
        self.tag, self.attrs = tag, attrs
        self.texts: dict[str, str] = {}
        self.inside = 0  # tests inside it


class DotNet(XMLReader):
    """The base of these readers: open elements, and how a run is summed up."""

    name = ""
    TEXTS = frozenset({"message", "stack-trace", "stacktrace", "text", "output", "reason"})

    def __init__(self, parser: Any) -> None:
        super().__init__(parser)
        self.collector, self.span = Collector(), ReportSpan()
        self.path: list[Element] = []
        self.written = self.failing = self.skipped = 0

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        tag = self.local(tag)
        self.open(tag, tag, attrs)
        self.path.append(Element(tag, attrs))
        if self.captured is not None:
            return
        if tag in self.TEXTS:
            self.capture(attrs, MAX_MESSAGE)
        else:
            self.begin(tag, attrs)

    def end(self, tag: str) -> None:
        self.close()
        element = self.path.pop()
        if self.captured is not None:
            if len(self.stack) < self._depth:
                text, _ = self.captured_text()
                for each in self.path[-3:]:  # the test, its failure, or what stands between
                    each.texts.setdefault(element.tag, text.strip())
            return
        self.finish(element)

    def begin(self, tag: str, attrs: dict[str, str]) -> None:
        """Do nothing where an element begins."""

    def finish(self, element: Element) -> None:
        raise NotImplementedError

    # --- what is said -----------------------------------------------------------------------------

    def add(self, name: str, outcome: str, words: str, lasted: float) -> None:
        self.written += 1
        self.failing += outcome is FAILED
        self.skipped += outcome is SKIPPED
        for element in self.path:
            element.inside += 1
        self.collector.add(
            clean(name) or "unnamed",
            outcome,
            cut(clean(words)) or None if outcome is not PASSED else None,
            seconds=lasted,
            is_test=outcome is PASSED or not (name == "" or names_no_test(name)),
            kind=FAILURE if outcome is FAILED else NEITHER,
        )

    def outcome(self, word: str) -> str:
        """Return the outcome that a word names; an unknown word counts as skipped."""
        found = meaning(word)
        if found is None:
            self.collector.remarks.append(f"It is not known what the result “{one_line(word)}” is.")
            return SKIPPED
        return found

    def against(self, subject: str, words: str, name: str = "") -> None:
        where = f" (in “{one_line(name)}”)" if name else ""
        said = one_line(words).rstrip(".") or "it does not say why"
        self.collector.against.append(f"The {subject} itself failed: {said}{where}.")

    def judge_totals(self, element: Element, failed: tuple[str, ...], total: str) -> None:
        """Compare the totals of a run with the tests that are written."""
        attrs = element.attrs
        for words in unreadable_totals(attrs, (*failed, *SKIPS, total)):
            self.collector.remarks.append(f"<{one_line(element.tag)}> has {words}.")
        count = declared(attrs, failed)
        if count and not self.failing and not self.collector.against:
            self.against("run", f"it declares {many(count, 'failed test')} and holds none")
        declares = declared(attrs, (total,))
        if declares > self.written and not self.collector.against:
            self.collector.against.append(
                f"Only {self.written} of the {many(declares, 'declared test')} are written."
            )

    def report(self, exit_code: int | None) -> SuiteReport:
        return self.collector.report(self.name, ended=self.span.end, exit_code=exit_code)


def text_of(element: Element) -> str:
    """Return the words of a failure, a skip or an output."""
    keys = ("message", "reason", "stack-trace", "stacktrace", "output", "text")
    return "\n".join(dict.fromkeys(text for key in keys if (text := element.texts.get(key))))


class NUnit(DotNet):
    """NUnit 3's `<test-run>`, and NUnit 2's `<test-results>`."""

    name = "NUnit"
    TEXTS = frozenset({"message", "stack-trace"})

    def finish(self, element: Element) -> None:
        attrs = element.attrs
        if element.tag == "test-case":
            outcome = self._outcome_of(element)
            lasted = seconds(attrs.get("duration") or attrs.get("time"))
            self.add(
                attrs.get("fullname") or attrs.get("name", ""), outcome, text_of(element), lasted
            )
            self.span.add(attrs.get("end-time"))
        elif element.tag == "failure" and self.path:
            above = self.path[-1]
            above.texts["failed"] = "failed"
            site, words = above.attrs.get("site", "").lower(), text_of(element)
            of_tests = site in ("child", "parent") or (not site and "child test" in words.lower())
            if above.tag == "test-suite" and not of_tests:
                self.against(
                    "suite", words, above.attrs.get("fullname", above.attrs.get("name", ""))
                )
        elif element.tag == "test-suite":
            if _has_failed(attrs) and not element.inside and not self.collector.against:
                label = attrs.get("label") or "failed"
                self.against("suite", f"its result is {label}", attrs.get("name", ""))
            if not self.path:
                self._judge(element)
        elif element.tag in ("test-run", "test-results"):
            self._judge(element)

    def _judge(self, element: Element) -> None:
        attrs = element.attrs
        self.span.add(attrs.get("end-time"))
        if "date" in attrs and "time" in attrs:
            self.span.add(f"{attrs['date']} {attrs['time']}")
        if _has_failed(attrs) and not self.failing and not self.collector.against:
            self.against("run", "its result says so, and no test has failed")
        self.judge_totals(element, ("failed", "failures", "errors"), "total")

    def _outcome_of(self, element: Element) -> str:
        """Return how a test ended: NUnit 2 has several attributes for it."""
        attrs = element.attrs
        if attrs.get("executed", "").lower() == "false":
            return SKIPPED
        if "failed" in element.texts:
            return FAILED
        if word := attrs.get("result"):
            return self.outcome(word)
        return FAILED if attrs.get("success", "").lower() == "false" else PASSED


def _has_failed(attrs: dict[str, str]) -> bool:
    return meaning(attrs.get("result", "")) is FAILED


class XUnit(DotNet):
    """xUnit.net v2's `<assemblies>`."""

    name = "xUnit.net"
    TEXTS = frozenset({"message", "stack-trace", "reason", "output"})

    def finish(self, element: Element) -> None:
        attrs = element.attrs
        if element.tag == "test":
            name, owner = attrs.get("name", ""), attrs.get("type", "")
            full = name if not owner or name.startswith(owner) else f"{owner}.{name}"
            outcome = self.outcome(attrs.get("result", ""))
            self.add(full, outcome, text_of(element), seconds(attrs.get("time")))
        elif element.tag == "error":
            kind = attrs.get("type", "error")
            said = ": ".join(filter(None, [kind, text_of(element)]))
            self.against("suite", said, attrs.get("name", ""))
        elif element.tag == "assembly":
            begun = f"{attrs.get('run-date', '')}T{attrs.get('run-time', '')}".strip("T")
            lasted = seconds(attrs.get("time"))
            self.span.add(attrs.get("finish-rtf"))
            if not attrs.get("finish-rtf"):
                self.span.add(attrs.get("start-rtf") or begun, lasted)
            self.judge_totals(element, ("failed", "errors"), "total")
            self.written = self.failing = 0
        elif element.tag == "assemblies":
            self.span.add(attrs.get("finish-rtf"))


class TRX(DotNet):
    """The `<TestRun>` of Visual Studio and `dotnet test`."""

    name = "TRX"
    TEXTS = frozenset({"message", "stacktrace", "text", "stdout", "stderr"})

    def __init__(self, parser: Any) -> None:
        super().__init__(parser)
        self.tests: list[tuple[str, str, str, str, float]] = []  # id, name, outcome, words, lasted
        self.classes: dict[str, str] = {}
        self.summary: Element | None = None
        self.errors: list[str] = []
        self.counters = Element("counters", {})

    def finish(self, element: Element) -> None:
        attrs, tag = element.attrs, element.tag
        if tag == "unittestresult":
            self._result(element)
        elif tag == "testmethod" and self.path and self.path[-1].tag == "unittest":
            owner = attrs.get("className", "").partition(",")[0]
            self.classes[self.path[-1].attrs.get("id", "")] = owner
        elif tag == "runinfo" and meaning(attrs.get("outcome", "")) is FAILED:
            self.errors.append(element.texts.get("text", ""))
        elif tag == "resultsummary":
            self.summary = element
        elif tag == "counters":
            self.counters = element
        elif tag == "times":
            self.span.add(attrs.get("finish"))

    def _result(self, element: Element) -> None:
        attrs = element.attrs
        outcome = self.outcome(attrs.get("outcome", "") or "NotExecuted")
        if element.inside and outcome is not FAILED:  # it sums up the rows inside it
            return
        if element.inside and self.failing_inside(element):
            return
        for each in self.path:
            each.inside += 1
            if outcome is FAILED:
                each.texts["failed"] = "failed"
        words = "\n".join(
            text for key in ("message", "stacktrace") if (text := element.texts.get(key))
        )
        words = words or element.texts.get("stderr", "") or element.texts.get("stdout", "")
        lasted = clock_seconds(attrs.get("duration"))
        self.tests.append(
            (attrs.get("testId", ""), attrs.get("testName", ""), outcome, words, lasted)
        )
        self.span.add(attrs.get("endTime"))

    def failing_inside(self, element: Element) -> bool:
        return "failed" in element.texts

    def report(self, exit_code: int | None) -> SuiteReport:
        self.path.clear()
        for key, name, outcome, words, lasted in self.tests:
            owner = self.classes.get(key, "")
            full = name if not owner or name.startswith(owner) else f"{owner}.{name}"
            self.add(full, outcome, words, lasted)
        summary = self.summary.attrs if self.summary else {}
        for words in self.errors:
            if not self.failing:
                self.against("run", words)
        word = summary.get("outcome", "")
        if meaning(word) is FAILED and not self.failing and not self.collector.against:
            self.against("run", f"its outcome is {one_line(word)}")
        self.judge_totals(self.counters, ("failed", "error", "timeout", "aborted"), "total")
        return super().report(exit_code)
