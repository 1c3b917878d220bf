"""Reading what `go test -json` writes: an event a line."""

import json
from typing import Any

from foreman_office.reports.collecting import FAILED, FAILURE, NEITHER, PASSED, SKIPPED, Collector
from foreman_office.reports.dialects import GO
from foreman_office.reports.results import (
    MAX_ELEMENTS,
    MAX_MESSAGE,
    SuiteReport,
    Unreadable,
    clean,
    cut,
    lines_of,
    one_line,
)
from foreman_office.reports.times import Moment, ReportSpan, moment, seconds

ENDS = {"pass": PASSED, "fail": FAILED, "skip": SKIPPED}
FRAMES = ("=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "--- FAIL", "--- PASS", "--- SKIP")


def read_events(text: str, exit_code: int | None) -> SuiteReport:
    """Read the events of a run. A package that failed beside its tests speaks against the run."""
    return GoTest().read(text, exit_code)


class GoTest:
    """The reader of a run's events."""

    def __init__(self) -> None:
        self.collector, self.span = Collector(), ReportSpan()
        self.packages: dict[str, int] = {}
        self.output: dict[tuple[str, str], list[str]] = {}
        self.failing: set[str] = set()
        self.running: dict[tuple[str, str], None] = {}
        self.broken: dict[str, str] = {}
        self.last: Moment | None = None

    def read(self, text: str, exit_code: int | None) -> SuiteReport:
        for number, line in enumerate(lines_of(text), 1):
            if number > MAX_ELEMENTS:
                raise Unreadable(f"The report has more than {MAX_ELEMENTS} lines.")
            if line.startswith("{"):
                self._event(self._said(line, number))
            elif line.startswith("FAIL\t"):  # a package that go could not build
                package, _, why = line.removeprefix("FAIL\t").partition(" ")
                self.broken.setdefault(package, why)
        for package, test in self.running:
            self.collector.add(
                f"{package}::{test}",
                FAILED,
                self._words(package, test) or "It began and did not end.",
                suite=self.packages[package],
                kind=FAILURE,
            )
            self.failing.add(package)
        for package, why in self.broken.items():
            if package not in self.failing:
                said = f": {one_line(why)}" if why else ""
                self.collector.against.append(
                    f"The package {one_line(package)} itself failed{said}."
                )
        self.span.add_moment(self.last)
        return self.collector.report(
            GO.name,
            dialects=[GO] * len(self.packages),
            ended=self.span.end,
            exit_code=exit_code,
        )

    def _said(self, line: str, number: int) -> dict[str, Any]:
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise Unreadable(f"The report's line {number} is not an event of go test.") from None

    def _event(self, event: dict[str, Any]) -> None:
        action, test = event.get("Action"), event.get("Test")
        package = event.get("Package") or event.get("ImportPath")
        if not isinstance(package, str) or not isinstance(action, str):
            return
        if not isinstance(test, str):
            test = ""
        self.last = moment(event["Time"]) if isinstance(event.get("Time"), str) else self.last
        suite = self.packages.setdefault(package, len(self.packages))
        if action in ("output", "build-output"):
            self._keep(package, test, event.get("Output"))
        elif action == "build-fail":
            self.broken.setdefault(package.partition(" ")[0], self._words(package, ""))
        elif action == "run" and test:
            self.running[package, test] = None
        elif action in ENDS and test:
            self.running.pop((package, test), None)
            outcome = ENDS[action]
            words = self._words(package, test)
            if outcome is FAILED:
                self.failing.add(package)
            self.collector.add(
                f"{package}::{test}",
                outcome,
                words or None if outcome is not PASSED else None,
                seconds=seconds(str(event.get("Elapsed", ""))),
                suite=suite,
                kind=FAILURE if outcome is FAILED else NEITHER,
            )
        elif action == "fail":
            self.broken.setdefault(package, self._words(package, ""))

    def _keep(self, package: str, test: str, output: object) -> None:
        if not isinstance(output, str) or output.lstrip().startswith(FRAMES):
            return
        kept = self.output.setdefault((package, test), [])
        if sum(map(len, kept[-50:])) < MAX_MESSAGE and len(kept) < MAX_MESSAGE // 10:
            kept.append(output)

    def _words(self, package: str, test: str) -> str:
        return cut(clean("".join(self.output.pop((package, test), ())).strip()))
