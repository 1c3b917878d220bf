"""The findings of a linter as tests that can become green."""

import re

from foreman_office.reports.collecting import FAILED, FAILURE, PASSED, Collector
from foreman_office.reports.results import Lint, cut

POSITION = re.compile(r"(:\d+){1,2}$")
RULE_PREFIX = re.compile(r"^(?:org|com)\.\w+\.")
ALL = "lint"


class Findings:
    """The findings of a linter, by file and rule. A linter names only what it finds.

    By rule and file each pair with findings is a failing test, and each clean file a passing one;
    none is a goalpost, for it is gone when it is mended. In one, all are the test `lint`.
    """

    def __init__(self, by: Lint | None) -> None:
        self._by = by or Lint.RULE_FILE
        self._asked = by is not None
        self._found: dict[tuple[str, str], list[str]] = {}
        self._clean: dict[str, None] = {}
        self.any = False

    def add(self, file: str, classname: str, name: str, words: str | None, suite: str) -> None:
        """Add an element of the report: a finding, or a file without one."""
        self.any = True
        if POSITION.search(classname):  # golangci-lint
            file, rule = POSITION.sub("", classname), name
        elif POSITION.search(name):  # pylint: the rule is its message
            file, rule = file or POSITION.sub("", name), (words or "").partition("\n")[0]
        else:
            file, rule = file or suite or classname, RULE_PREFIX.sub("", name)
        if words is None:
            self._clean.setdefault(file)
        else:
            self._found.setdefault((file, rule or "finding"), []).append(words)

    def put_into(self, collector: Collector) -> None:
        """Add the findings as tests."""
        if not self.any and not (self._asked and not collector.results and not collector.against):
            return
        if self._by is Lint.ONE:
            outcome = FAILED if self._found else PASSED
            kind = FAILURE if self._found else 0
            collector.add(ALL, outcome, self._told() or None, kind=kind)
            return
        for (file, rule), words in self._found.items():
            message = cut("\n".join(words))
            collector.add(f"{file}::{rule}", FAILED, message, is_test=False, kind=FAILURE)
        dirty = {file for file, _ in self._found}
        for file in [file for file in self._clean if file not in dirty]:
            collector.add(file, PASSED, is_test=False)
        if not self._found and not self._clean:
            collector.add(ALL, PASSED, is_test=False)

    def _told(self) -> str:
        return cut(
            "\n".join(
                f"{file}: {rule}: {words[0].partition(chr(10))[0]}"
                + (f" ({len(words)} times)" if len(words) > 1 else "")
                for (file, rule), words in self._found.items()
            )
        )
