"""The content of a report: its tests, what speaks against the run, and when it ended."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from foreman_office.reports.times import Moment
from kit.core.bounds import MAX_INDEXED_BYTES

LINES_AT_ONCE = 64 * 1024  # characters
MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
MAX_ELEMENTS = 500_000
MAX_ATTRIBUTES = 200
MAX_TESTS = 50_000
MAX_NAME_BYTES = MAX_INDEXED_BYTES
MAX_MESSAGE = 10_000
MAX_SENTENCES = 20
MAX_SENTENCE = 500
MAX_MILLISECONDS = 2**31 - 1


class Unreadable(Exception):
    """The report is refused; the message is a sentence with the reason."""


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # not run, put off, or failed as expected: test debt


class Lint(StrEnum):
    """How a linter's findings are counted: one test for each rule and file, or one in all."""

    RULE_FILE = "rule-file"
    ONE = "one"


class Result(NamedTuple):
    """One test of a report.

    `name` says where it lies (file, suites, class) and what it is called, whatever its place in
    the report. `flaky`: it failed, was run again and passed. `is_test` is False for what was never
    a test (a module that could not be imported, a hook): it counts, and may be gone when mended.
    """

    name: str
    outcome: str
    message: str | None = None
    flaky: bool = False
    duration_ms: int | None = None
    is_test: bool = True


@dataclass(frozen=True)
class SuiteReport:
    """A run of a suite, whatever wrote it.

    The counts are those of `results`, or were given where there are none. `against` holds what
    speaks against the run beside its tests, a sentence each: a run with any is not green. `remarks`
    hold what is worth knowing and decides nothing. `ended` is when the run ended, if it says so.
    """

    dialect: str
    results: list[Result] = field(default_factory=list)
    passing: int = 0
    failing: int = 0
    skipped: int = 0
    test_debt_count: int = 0
    against: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    execution_time_ms: int | None = None
    ended: Moment | None = None
    exit_code: int | None = None

    @property
    def total(self) -> int:
        return self.passing + self.failing + self.skipped

    @property
    def is_green(self) -> bool:
        """Return whether tests ran, all passed, none is put off, and nothing speaks against it."""
        all_pass = 0 < self.total == self.passing
        return all_pass and not self.test_debt_count and not self.against

    def ended_with(self, exit_code: int | None) -> "SuiteReport":
        """Return the report with its runner's exit code, if that is given separately."""
        if exit_code is None or self.exit_code is not None:
            return self
        against = [*self.against, *exit_code_against(exit_code)]
        return replace(self, exit_code=exit_code, against=against)

    @property
    def ended_at(self) -> datetime | None:
        """Return when the run ended; None if the report does not say."""
        return self.ended.at if self.ended else None

    @property
    def zone_known(self) -> bool:
        """Return whether the report says in which zone it ended."""
        return self.ended is not None and self.ended.zone_known


COLOURS = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")
# pytest writes a control character as #x1B.
WRITTEN_COLOURS = re.compile(r"#x1B\[[0-9;:?]*[@-~]")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: str) -> str:
    """Return a text without colours; other control characters become U+FFFD."""
    if text.isprintable():
        return text
    return CONTROLS.sub("\ufffd", COLOURS.sub("", text))


def bounded_name(name: str) -> str:
    """Return a name that an index takes.

    A longer one keeps its beginning, and ends in a digest of the whole: the same in every run.
    """
    if len(name) * 4 <= MAX_NAME_BYTES:
        return name
    encoded = name.encode()
    if len(encoded) <= MAX_NAME_BYTES:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:16]
    return f"{encoded[: MAX_NAME_BYTES - 40].decode(errors='ignore')}… {digest}"


def cut(text: str, limit: int = MAX_MESSAGE) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def one_line(text: str) -> str:
    """Return a text in one line, cut where it is too long for a sentence."""
    line = " ".join(clean(text[: MAX_SENTENCE * 4]).split())
    return cut(line, MAX_SENTENCE)


def few(sentences: list[str]) -> list[str]:
    """Return a bounded number of sentences, each once."""
    once = list(dict.fromkeys(sentences))
    if len(once) <= MAX_SENTENCES:
        return once
    return [*once[: MAX_SENTENCES - 1], f"And {len(once) - MAX_SENTENCES + 1} more of this kind."]


def exit_code_against(exit_code: int | None) -> list[str]:
    """Return that the runner ended with an error, if it did."""
    return [f"The runner ended with exit code {exit_code}."] if exit_code else []


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a text as `splitlines` does, a part at a time: all take ten times it."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin + LINES_AT_ONCE) + 1 or len(text)
        yield from text[begin:end].splitlines()
        begin = end
