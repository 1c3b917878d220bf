"""Reading TAP, the Test Anything Protocol, version 12 to 14."""

import re
from collections.abc import Iterator

from foreman_office.reports.collecting import FAILED, FAILURE, NEITHER, PASSED, SKIPPED, Collector
from foreman_office.reports.never_tests import was_never_a_test
from foreman_office.reports.results import (
    MAX_DEPTH,
    MAX_MESSAGE,
    SuiteReport,
    Unreadable,
    clean,
    cut,
    lines_of,
    one_line,
)

POINT = re.compile(r"(?P<not>not )?ok\b(?: +(?P<number>\d+))?(?: +)?(?:- +)?(?P<rest>.*)")
DIRECTIVE = re.compile(r"(?:^|\s)#\s*(?P<word>skip|todo)\S*(?:\s+(?P<reason>.*))?$", re.IGNORECASE)
PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*(?:skip\S*)?\s*(.*))?", re.IGNORECASE)
CLOSING = re.compile(r"#\s*(fail(?:ed|ures?)?|cancelled)\s*:?\s*(\d+)", re.IGNORECASE)
# Test::More
LOOKS_LIKE = re.compile(
    r"#\s*Looks like (you failed [1-9]\d* tests?|your test (?:exited|died)|you planned)\b.*"
)
TIMES = {"duration_ms": 0.001, "duration": 1.0, "time": 1.0}
REASONS = frozenset({"error", "message"})
INDENT = 4


def put_off(output: str) -> dict[str, str]:
    """Return why tests were skipped or are still to be done, by their numbers."""
    found = {}
    for line in output.splitlines():
        if (point := POINT.fullmatch(line)) and (directive := DIRECTIVE.search(point["rest"])):
            word, reason = directive["word"].lower(), directive["reason"] or ""
            if point["number"] and (word == "skip" or point["not"]):
                found[point["number"]] = f"{word} {reason}".strip()
    return found


class TapDocument:
    """A document of TAP, or one inside another: its plan, and its results."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.planned: int | None = None
        self.points = self.failing = 0
        self.skipped_whole: str | None = None


class TAP:
    """The reader of a TAP document, which is read line by line."""

    def __init__(self) -> None:
        self.collector = Collector()
        self.levels = [TapDocument("")]
        self.inside: TapDocument | None = None  # what was read inside the test that comes next
        self.point: tuple[str, bool, str | None, bool] | None = None
        self.words: list[str] = []
        self.in_block = False
        self.closing: dict[str, int] = {}
        self.looks_like: list[str] = []
        self.lasted = 0.0
        self.announced = ""
        self.inner_failing = 0

    def read(self, text: str, exit_code: int | None) -> SuiteReport:
        for line in lines_of(text):
            self._line(line)
        self._end_point()
        while len(self.levels) > 1:
            self._leave()
        self._judge(self.levels[0])
        failing = any(each and each.outcome == FAILED for each in self.collector.results)
        for word, count in self.closing.items():
            if count and not failing and not self.collector.against:
                self.collector.against.append(
                    f"The runner ends with “{word} {count}”, and no test has failed."
                )
        if not failing:
            self.collector.against += [
                f"The runner ends with “{each}”." for each in self.looks_like
            ]
        return self.collector.report("TAP", exit_code=exit_code)

    def _line(self, line: str) -> None:
        plain = line.lstrip(" ")
        depth = (len(line) - len(plain)) // INDENT
        if self._in_words(line, plain):
            return
        if plain.startswith("Bail out!"):
            self._end_point()
            reason = one_line(plain.removeprefix("Bail out!")) or "it does not say why"
            self.collector.against.append(f"The run was aborted: {reason.rstrip('.')}.")
        elif point := POINT.fullmatch(plain.rstrip()):
            self._at(depth)
            self._start_point(point)
        elif plan := PLAN.fullmatch(plain.rstrip()):
            self._at(depth)
            level = self.levels[-1]
            level.planned = int(plan[1][:9])
            if level.planned == 0:
                level.skipped_whole = plan[2] or "skipped"
        elif plain.startswith("# Subtest"):
            self._announce(plain.removeprefix("# Subtest").removeprefix(":").strip(), depth)
        elif closing := CLOSING.fullmatch(plain.rstrip()):
            self.closing[closing[1].lower()] = int(closing[2][:9])
        elif LOOKS_LIKE.fullmatch(plain.rstrip()):
            self.looks_like.append(one_line(plain.lstrip("# ").rstrip(". ")))
        elif plain.startswith("#") and self.point and self.point[1]:
            self.words.append(plain[1:].removeprefix(" "))

    def _announce(self, name: str, depth: int) -> None:
        """Read the name of a subtest, which is at the level of its tests or one above."""
        self._end_point()
        while len(self.levels) > depth + 1:
            self._leave()
        if len(self.levels) < depth + 1 and self.announced:
            self._enter(self.announced)
        self.announced = name

    def _in_words(self, line: str, plain: str) -> bool:
        """Read a block of YAML, which belongs to the test before it."""
        if not self.in_block:
            self.in_block = plain.rstrip() == "---" and self.point is not None
            return self.in_block
        if plain.rstrip() == "...":
            self.in_block = False
            return True
        key, colon, value = plain.partition(":")
        if colon and key in TIMES:
            self.lasted = _number(value) * TIMES[key]
        elif colon and key in REASONS and value.strip(" |>-"):
            self.words.insert(0, value.strip().strip("'\""))
        elif sum(map(len, self.words)) < MAX_MESSAGE:
            self.words.append(line.strip())
        return True

    def _at(self, depth: int) -> None:
        """Close the documents before a line, up to its level."""
        self._end_point()
        while len(self.levels) > depth + 1:
            self._leave()
        while len(self.levels) < depth + 1:
            self._enter(self.announced)
            self.announced = ""

    def _enter(self, name: str) -> None:
        if len(self.levels) >= MAX_DEPTH:
            raise Unreadable(f"The report is nested deeper than {MAX_DEPTH} levels.")
        self.levels.append(TapDocument(name))

    def _leave(self) -> None:
        level = self.levels.pop()
        self._judge(level)
        above = self.levels[-1]
        above.failing += level.failing
        self.inside = level

    def _judge(self, level: TapDocument) -> None:
        where = f" (in “{one_line(level.name)}”)" if level.name else ""
        against = self.collector.against
        if level.skipped_whole is not None:
            against.append(f"The whole was skipped: {one_line(level.skipped_whole)}{where}.")
        elif level.planned is None:
            if level.points:
                against.append(f"The tests break off: no plan says how many there are{where}.")
        elif level.planned != level.points:
            against.append(
                f"{level.planned} tests were planned and {level.points} are written{where}."
            )

    # --- points -----------------------------------------------------------------------------------

    def _start_point(self, point: "re.Match[str]") -> None:
        self.levels[-1].points += 1
        rest, directive = point["rest"], DIRECTIVE.search(point["rest"])
        if directive:
            rest = rest[: directive.start()]
        name = clean(rest.replace("\\#", "#").strip()) or point["number"] or "unnamed"
        failed = bool(point["not"])
        reason = None
        if directive and (failed or directive["word"].lower() == "skip"):
            reason = (directive["reason"] or directive["word"]).strip()
        whole = self.inside is not None and self.inside.points > 0
        self.point = (name, failed, reason, whole)
        self.inner_failing = self.inside.failing if self.inside else 0
        self.inside, self.words, self.lasted, self.announced = None, [], 0.0, ""

    def _end_point(self) -> None:
        if self.point is None:
            return
        name, failed, reason, whole = self.point
        self.point, self.in_block = None, False
        level = self.levels[-1]
        words = cut(clean("\n".join(self.words).strip()))
        if whole:  # it sums up the tests inside it
            if failed and reason is None and not self.inner_failing:
                level.failing += 1
                said = f": {one_line(words.partition(chr(10))[0]).rstrip('.')}" if words else ""
                self.collector.against.append(f"“{one_line(name)}” itself failed{said}.")
            return
        prefix = "".join(f"{each.name}::" for each in self.levels if each.name)
        outcome = SKIPPED if reason is not None else FAILED if failed else PASSED
        level.failing += outcome is FAILED
        self.collector.add(
            prefix + name,
            outcome,
            reason if outcome is SKIPPED else (words or None) if outcome is FAILED else None,
            seconds=self.lasted,
            is_test=outcome is PASSED or not was_never_a_test("", "", name, None),
            kind=FAILURE if outcome is FAILED else NEITHER,
        )


def _number(text: str) -> float:
    try:
        value = float(text.strip().strip("'\""))
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e9 else 0.0


def looks_like_tap(head: str) -> bool:
    """Return whether a text begins as TAP does."""
    return any(
        line.startswith("TAP version ") or PLAN.fullmatch(line) or re.match(r"(not )?ok \d", line)
        for line in _first_lines(head)
    )


def _first_lines(head: str) -> Iterator[str]:
    for line in head.splitlines()[:20]:
        yield line.strip()
