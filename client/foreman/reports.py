"""Reports of test runners: the files that a run has made, and what is sent of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from foreman.errors import Invalid

MOST_BYTES = 8 * 1024 * 1024
XML, TEXT, LINES, JSON = (
    "application/xml",
    "text/plain",
    "application/x-ndjson",
    "application/json",
)
# Options and variables by which usual runners are told where to write their report.
OPTION = re.compile(
    r"--(?:junit-?xml|junit-?file|log-junit|output-junit|outputFile(?:\.junit)?|output-file|xunit-file)"
    r"(?:=(.+))?"
)
VARIABLES = ("JEST_JUNIT_OUTPUT_FILE", "MOCHA_FILE", "PYTEST_ADDOPTS")
PYTEST_CONFIG = ("pytest.toml", "pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
# A word of a shell's script: bash -c "cd app && pytest".
IN_A_SCRIPT = re.compile(r"(?:^|[\s;&|(/])(?:pytest|py\.test)(?=[\s;&|)]|$)")
IN_A_TEXT = re.compile(r"--junit-?xml[=\s]+[\"']?([^\s\"',\]]+)")
# Files that runners write by themselves.
USUAL = re.compile(r"(?i)(.*junit.*\.xml|TEST-.*\.xml|.*\.trx|(test-?)?report\.xml)")
USUAL_DIRECTORY = re.compile(r"(?i)(test-results|test-reports|surefire-reports|failsafe-reports)")
NOT_LOOKED_INTO = {".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"}
DEEPEST, MOST_FILES = 8, 50_000


class Report(NamedTuple):
    content_type: str
    body: bytes
    files: Sequence[Path] = ()
    says_all: bool = False  # in the office's own form, with the exit code


def read_report(files: Sequence[Path]) -> Report:
    """Return the report in these files; several of JUnit XML become one."""
    contents = []
    for file in files:
        try:
            contents.append(file.read_bytes())
        except OSError as error:
            raise Invalid(f"{file} cannot be read: {error.strerror}.") from error
    if not contents:
        raise Invalid("No report was given.")
    body = contents[0] if len(contents) == 1 else _joined(files, contents)
    if not body.strip():
        raise Invalid(f"{files[0]} is empty.")
    if len(body) > MOST_BYTES:
        size = len(body) / 1024 / 1024
        raise Invalid(f"The report has {size:.1f} MiB; the office takes at most 8.")
    return Report(content_type_of(body), body, files)


class _NoDocumentType(ElementTree.TreeBuilder):
    """Refuse a document type at its beginning, before the entities that it declares."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file

    def doctype(self, *_: str | None) -> None:
        raise Invalid(
            f"{self.file} has a document type, which a test report does not need, so it cannot be"
            " joined with others."
        )


def _joined(files: Sequence[Path], contents: Sequence[bytes]) -> bytes:
    whole = ElementTree.Element("testsuites")
    for file, content in zip(files, contents, strict=True):
        try:
            parser = ElementTree.XMLParser(target=_NoDocumentType(file))  # noqa: S314  see there
            root = ElementTree.fromstring(content, parser)  # noqa: S314
        except ElementTree.ParseError as error:
            raise Invalid(f"{file} is not XML, so it cannot be joined: {error}.") from error
        if root.tag not in ("testsuite", "testsuites"):
            raise Invalid(f"{file} is not JUnit XML, so it cannot be joined with others.")
        whole.extend([root] if root.tag == "testsuite" else root)
    return ElementTree.tostring(whole, encoding="utf-8", xml_declaration=True)


def content_type_of(body: bytes) -> str:
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return XML
    if not start.startswith((b"{", b"[")):
        return TEXT
    first, _, rest = start.partition(b"\n")
    lines = rest.lstrip()
    return LINES if first.rstrip().endswith(b"}") and lines.startswith(b"{") else JSON


# --- what a run has made --------------------------------------------------------------------------


class Mark(NamedTuple):
    """What tells a file from the one that was there before."""

    inode: int
    size: int
    modified: int


def mark_of(file: Path) -> Mark | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return Mark(found.st_ino, found.st_size, found.st_mtime_ns)


def named_by(command: Sequence[str], environ: Mapping[str, str], directory: Path) -> list[Path]:
    """Return the reports that the command, a variable or pytest's configuration names."""
    found = []
    for place, word in enumerate(command):
        if option := OPTION.fullmatch(word):
            value = option[1] or (command[place + 1] if place + 1 < len(command) else "")
            if value:
                found.append(value)
    for variable in VARIABLES:
        text = environ.get(variable, "")
        found += IN_A_TEXT.findall(text) if variable == "PYTEST_ADDOPTS" else [text] if text else []
    if not found and is_pytest(command):
        for name in PYTEST_CONFIG:
            found += IN_A_TEXT.findall(_text_of(directory / name))
    return [directory / name for name in dict.fromkeys(found)]


def is_pytest(command: Iterable[str]) -> bool:
    """Return whether a command may be pytest, perhaps through something else."""
    return any(
        os.path.basename(word) in ("pytest", "py.test")
        or (len(word.split()) > 1 and IN_A_SCRIPT.search(word))
        for word in command
    )


def is_surely_pytest(command: Sequence[str]) -> bool:
    """Return whether a command is pytest, and not only one that has a word like it."""
    before = [None, *command]
    return any(
        is_pytest([word]) and (earlier is None or earlier in ("-m", "run", "exec", "--"))
        for earlier, word in zip(before, command, strict=False)
    )


# --- what others have reported --------------------------------------------------------------------

# The file in which commands below a `foreman run` note what they have reported themselves.
LEDGER = "FOREMAN_REPORTED"


def note_reported(files: Sequence[Path]) -> None:
    """Note the files of a report for the `foreman run` around this process, if there is one."""
    if ledger := os.environ.get(LEDGER):
        with suppress(OSError), open(ledger, "a", encoding="utf-8") as opened:
            for file in files:
                opened.write(f"{mark_of(file)}\n")


def reported_by_others(ledger: Path) -> set[str]:
    return set(_text_of(ledger).splitlines())


def _text_of(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(line for line in lines if not line.lstrip().startswith(("#", ";")))


def usual_files(directory: Path) -> Iterator[Path]:
    """Yield the files below a directory that look like reports by their names."""
    looked_at = 0
    for place, names, files in os.walk(directory):
        depth = len(Path(place).relative_to(directory).parts)
        kept = [name for name in names if name not in NOT_LOOKED_INTO] if depth < DEEPEST else []
        names[:] = sorted(kept)
        looked_at += len(files)
        if looked_at > MOST_FILES:
            return
        of_tests = USUAL_DIRECTORY.fullmatch(os.path.basename(place))
        for name in sorted(files):
            if USUAL.fullmatch(name) or (of_tests and name.endswith(".xml")):
                yield Path(place) / name


class Watch:
    """What was there before a run, to tell afterwards what the run has made."""

    def __init__(self, directory: Path, expected: Sequence[Path], globs: Sequence[str]) -> None:
        self.directory, self.expected, self.globs = directory, list(expected), list(globs)
        self.before = {file: mark_of(file) for file in self._candidates()}

    def _candidates(self) -> list[Path]:
        if self.globs:
            found = [
                self.directory / name
                for pattern in self.globs
                for name in sorted(glob(str(self.directory / pattern), recursive=True)) or [pattern]
            ]
            return list(dict.fromkeys(found))
        if self.expected:
            return self.expected
        return list(usual_files(self.directory))

    def made(self) -> list[Path]:
        """Return the reports that were written since; reports of other runs are none of them."""
        return [
            file
            for file in self._candidates()
            if (now := mark_of(file)) is not None and now != self.before.get(file)
        ]
