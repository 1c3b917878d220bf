"""YAML as far as a plan needs it: plain values that know the lines they came from.

The values are built from the parser's events, so that a hostile file is refused while it is read:
an alias could stand for a billion values, and depth, size and number are bounded.
"""

import math
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import IO, Any, NamedTuple

import yaml

MAX_BYTES = 64 * 2**20
MAX_DEPTH = 40
MAX_VALUES = 2_000_000
MAX_BITS = 4096  # of a whole number: far beyond any count, and within what JSON libraries read
SHOWN = 50

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Problem(NamedTuple):
    line: int | None
    reason: str


class PlanErrors(Exception):
    """A plan file is refused as a whole, for these reasons."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.name = name
        self.problems = sorted(problems, key=lambda problem: problem.line or 0)
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """Return the reasons as `file:line: reason`, the first fifty of them."""
        lines = [
            ":".join([self.name, *([str(line)] if line else []), f" {reason}"])
            for line, reason in self.problems[:SHOWN]
        ]
        if len(self.problems) > SHOWN:
            lines.append(f"{self.name}: and {len(self.problems) - SHOWN} more")
        return lines


class Mapping(dict[str, Any]):
    """A mapping that knows the line of each of its keys."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line, self.lines = line, dict[str, int]()


class Sequence(list[Any]):
    """A list that knows the line of each of its items."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line, self.lines = line, list[int]()


def load(stream: IO[bytes], name: str) -> Any:
    """Return the one document of a YAML stream, or raise `PlanErrors`."""
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise PlanErrors(name, [Problem(None, f"the file is larger than {MAX_BYTES // 2**20} MB")])
    reader = _Reader(content)
    try:
        document = reader.document()
    except _Unreadable as error:
        reader.problems.append(error.problem)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        reader.problems.append(Problem(line, f"not YAML: {error.problem}"))
    except yaml.reader.ReaderError as error:
        line = content.count(b"\n", 0, error.position) + 1
        reader.problems.append(Problem(line, f"not YAML: {error.reason}"))
    finally:
        reader.loader.dispose()
    if reader.problems:
        raise PlanErrors(name, reader.problems)
    return document


def line_of(document: Any, path: tuple[int | str, ...]) -> int | None:
    """Return the line of what lies at `path`, or of the nearest thing around it."""
    line = getattr(document, "line", None)
    for step in path:
        if isinstance(document, Mapping) and step in document:
            line = document.lines[str(step)]
        elif isinstance(document, Sequence) and isinstance(step, int) and step < len(document):
            line = document.lines[step]
        else:
            break
        document = document[step]
    return line


def plain(value: Any) -> Any:
    """Return a value as JSON has it, and as PostgreSQL's jsonb gives it back."""
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case date():  # a datetime is one too
            return value.isoformat().replace("+00:00", "Z")
        case float() if abs(value) >= 1e16:
            return int(Decimal(repr(value)))  # jsonb keeps no exponent
        case float():
            return value + 0.0  # nor a negative zero
    return value


class _Unreadable(Exception):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.problem = Problem(line, reason)


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.loader = yaml.CSafeLoader(content)
        self.problems: list[Problem] = []
        self.values = 0

    def document(self) -> Any:
        self.next()  # the stream begins
        if isinstance(self.next(), yaml.StreamEndEvent):
            raise _Unreadable(1, "the file is empty")
        document = self.value(self.next(), 0)
        self.next()  # the document ends
        event = self.next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise _Unreadable(_line(event), "a plan file is one document")
        return document

    def next(self) -> Any:  # an event; PyYAML's types know nothing of their fields
        return self.loader.get_event()

    def value(self, event: Any, depth: int) -> Any:
        line = _line(event)
        self.values += 1
        if self.values > MAX_VALUES:
            raise _Unreadable(line, f"more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise _Unreadable(line, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise _Unreadable(line, "anchors and aliases are not used in plan files")
        if event.tag:
            raise _Unreadable(line, f"tags ({event.tag}) are not used in plan files")
        match event:
            case yaml.MappingStartEvent():
                return self.mapping(line, depth)
            case yaml.SequenceStartEvent():
                return self.sequence(line, depth)
        return self.scalar(event)

    def mapping(self, line: int, depth: int) -> Mapping:
        mapping = Mapping(line)
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            line = _line(event)
            key = self.value(event, depth + 1)
            value = self.value(self.next(), depth + 1)
            if not isinstance(key, str):
                self.complain(line, f"the key {key!r} is not text; quote it")
            elif key in mapping:
                first = mapping.lines[key]
                self.complain(line, f"{key}: stands here twice, first in line {first}")
            else:
                mapping[key] = value
                mapping.lines[key] = line
        return mapping

    def sequence(self, line: int, depth: int) -> Sequence:
        sequence = Sequence(line)
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            sequence.lines.append(_line(event))
            sequence.append(self.value(event, depth + 1))
        return sequence

    def scalar(self, event: yaml.ScalarEvent) -> Any:
        text = event.value
        tag = self.loader.resolve(yaml.ScalarNode, text, event.implicit)
        construct = _CONSTRUCTORS.get(tag)
        if construct is None:
            if _UNSTORABLE.search(text):
                self.complain(_line(event), "a character that a database cannot keep")
            return text
        try:
            value = construct(self.loader, yaml.ScalarNode(tag, text))
        except ValueError as error:
            self.complain(_line(event), f"{text[:40]}: {error}")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.complain(_line(event), f"{text[:40]}: not a number")
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            self.complain(_line(event), f"{text[:40]}: too large a number")
        return value

    def complain(self, line: int, reason: str) -> None:
        self.problems.append(Problem(line, reason))
        if len(self.problems) >= SHOWN:
            raise _Unreadable(line, "too many faults; the rest is not read")


def _line(event: Any) -> int:
    return event.start_mark.line + 1


# What is neither a number, a truth value, null nor a time is text, whatever YAML calls it.
_CONSTRUCTORS: dict[str, Callable[[Any, yaml.ScalarNode], Any]] = {
    f"tag:yaml.org,2002:{tag}": yaml.SafeLoader.yaml_constructors[f"tag:yaml.org,2002:{tag}"]
    for tag in ("int", "float", "bool", "null", "timestamp")
}
