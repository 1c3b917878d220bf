"""Read the YAML of plan files: plain values that know the lines they came from.

The values are built from the parser's events, so that a hostile file is refused while it is read:
an alias could stand for a billion values, and depth, size and number are bounded. Each record is
handed on as soon as it is read, so that the document is never in memory as a whole.
"""

import math
import re
from collections.abc import Callable
from collections.abc import Mapping as Words
from datetime import date
from decimal import Decimal
from typing import IO, Any, NamedTuple, Protocol

import yaml

MAX_BYTES = 64 * 2**20
MAX_DEPTH = 40
MAX_VALUES = 2_000_000
MAX_BITS = 4096  # of a whole number: far beyond any count, and within what JSON libraries read
MAX_PROBLEMS = 1_000  # after which nothing more is looked for
SHOWN = 50

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class FileProblem(NamedTuple):
    line: int | None
    reason: str


class PlanErrors(Exception):
    """The errors for which a plan file is refused as a whole."""

    def __init__(self, name: str, problems: list[FileProblem]) -> None:
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
            least = "at least " if len(self.problems) >= MAX_PROBLEMS else ""
            lines.append(f"{self.name}: and {least}{len(self.problems) - SHOWN} more")
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


class RecordShape(Protocol):
    """The schema of a record, and which of its fields hold records of their own."""

    @property
    def parts(self) -> Words[str, "RecordPlace"]: ...


class RecordPlace(NamedTuple):
    """The position of a record, or of a list of them."""

    shape: Any  # a Shape
    word: str
    many: bool
    parent: int | None = None


class RecordRead(NamedTuple):
    """A record as it was read, without the records in it, which came before it."""

    place: RecordPlace
    value: Any
    line: int
    position: int  # in the file: before those of the records in it


def load(stream: IO[bytes], name: str, shape: Any, take: Callable[[RecordRead], None]) -> None:
    """Call `take` with each record of the one document, itself last, or raise `PlanErrors`."""
    content = _Content(stream, name)
    reader = _Reader(content, take)
    try:
        reader.document(RecordPlace(shape, "", many=False))
    except _Unreadable as error:
        reader.problems.append(error.problem)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        reader.problems.append(FileProblem(line, f"not YAML: {error.problem}"))
    except yaml.reader.ReaderError as error:
        reader.problems.append(
            FileProblem(content.line(error.position), f"not YAML: {error.reason}")
        )
    finally:
        reader.loader.dispose()
    if reader.problems:
        raise PlanErrors(name, reader.problems)


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
        self.problem = FileProblem(line, reason)


class _Content:
    """A stream that is read in pieces, up to a limit."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.stream, self.name = stream, name
        self.before = self.lines = 0  # bytes and line breaks before the last two pieces
        self.pieces = [b"", b""]

    def read(self, size: int) -> bytes:
        earlier, later = self.pieces
        self.before += len(earlier)
        self.lines += earlier.count(b"\n")
        self.pieces = [later, self.stream.read(size)]
        if self.before + sum(map(len, self.pieces)) > MAX_BYTES:
            reason = f"the file is larger than {MAX_BYTES // 2**20} MB"
            raise PlanErrors(self.name, [FileProblem(None, reason)])
        return self.pieces[1]

    def line(self, position: int) -> int:
        """Return the line of a byte among those that were read last."""
        return self.lines + b"".join(self.pieces).count(b"\n", 0, position - self.before) + 1


class _Reader:
    def __init__(self, content: _Content, take: Callable[[RecordRead], None]) -> None:
        self.loader = yaml.CSafeLoader(content)
        self.take = take
        self.problems: list[FileProblem] = []
        self.values = self.records = 0

    def document(self, place: RecordPlace) -> None:
        self.next()  # the stream begins
        if isinstance(self.next(), yaml.StreamEndEvent):
            raise _Unreadable(1, "the file is empty")
        self.record(self.next(), 0, place)
        self.next()  # the document ends
        event = self.next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise _Unreadable(_line(event), "a plan file has exactly one document")

    def next(self) -> Any:  # an event; PyYAML's types know nothing of their fields
        return self.loader.get_event()

    def record(self, event: Any, depth: int, place: RecordPlace) -> Any:
        self.records += 1
        position = self.records
        parts = {word: part._replace(parent=position) for word, part in place.shape.parts.items()}
        value = self.value(event, depth, parts=parts)
        if not self.problems:
            self.take(RecordRead(place, value, _line(event), position))
        return value

    def value(
        self,
        event: Any,
        depth: int,
        *,
        place: RecordPlace | None = None,
        parts: Words[str, RecordPlace] = {},
    ) -> Any:
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
                return self.mapping(line, depth, parts)
            case yaml.SequenceStartEvent():
                return self.sequence(line, depth, place)
        return self.scalar(event)

    def mapping(self, line: int, depth: int, parts: Words[str, RecordPlace]) -> Mapping:
        mapping = Mapping(line)
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            line = _line(event)
            key = self.value(event, depth + 1)
            place = parts.get(key) if isinstance(key, str) else None
            if place and not place.many:
                value = self.record(self.next(), depth + 1, place)
            else:
                value = self.value(self.next(), depth + 1, place=place)
            if not isinstance(key, str):
                self.report_error(line, f"the key {key!r} is not text; quote it")
            elif key in mapping:
                first = mapping.lines[key]
                self.report_error(line, f"{key}: duplicate key, first in line {first}")
            else:
                mapping[key] = value
                mapping.lines[key] = line
        return mapping

    def sequence(self, line: int, depth: int, place: RecordPlace | None) -> Sequence:
        """Return the items of a list; where they are records, none of them is kept."""
        sequence = Sequence(line)
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            if place:
                self.record(event, depth + 1, place)
            else:
                sequence.lines.append(_line(event))
                sequence.append(self.value(event, depth + 1))
        return sequence

    def scalar(self, event: yaml.ScalarEvent) -> Any:
        text = event.value
        tag = self.loader.resolve(yaml.ScalarNode, text, event.implicit)
        construct = _CONSTRUCTORS.get(tag)
        if construct is None:
            if _UNSTORABLE.search(text):
                self.report_error(_line(event), "a character that a database cannot store")
            return text
        try:
            value = construct(self.loader, yaml.ScalarNode(tag, text))
        except ValueError as error:
            self.report_error(_line(event), f"{text[:40]}: {error}")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.report_error(_line(event), f"{text[:40]}: not a number")
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            self.report_error(_line(event), f"{text[:40]}: too large a number")
        return value

    def report_error(self, line: int, reason: str) -> None:
        self.problems.append(FileProblem(line, reason))
        if len(self.problems) >= SHOWN:
            raise _Unreadable(line, "too many errors; the rest is not read")


def _line(event: Any) -> int:
    return event.start_mark.line + 1


# What is neither a number, a truth value, null nor a time is text, whatever YAML calls it.
_CONSTRUCTORS: dict[str, Callable[[Any, yaml.ScalarNode], Any]] = {
    f"tag:yaml.org,2002:{tag}": yaml.SafeLoader.yaml_constructors[f"tag:yaml.org,2002:{tag}"]
    for tag in ("int", "float", "bool", "null", "timestamp")
}
