"""Read a report of any kind, recognised by its content."""

import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from foreman_office.reports import ctrf, gotest, kinds, tap
from foreman_office.reports.dotnet import TRX, NUnit, XUnit
from foreman_office.reports.junit import JUnit
from foreman_office.reports.results import (
    MAX_ATTRIBUTES,
    MAX_BYTES,
    Lint,
    SuiteReport,
    Unreadable,
)
from foreman_office.reports.xml_reader import XMLReader, too_many_attributes

READERS: dict[str, Callable[[Any], XMLReader]] = {
    "test-run": NUnit,
    "test-results": NUnit,
    "test-suite": NUnit,
    "assemblies": XUnit,
    "assembly": XUnit,
    "testrun": TRX,
}
JUNIT = {"testsuites", "testsuite", "testcase"}
BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
CHUNK = 64 * 1024
TAG = re.compile(rb"<[^\s>!/]+")
ATTRIBUTE = re.compile(rb"""\s+[^\s=<>"']+\s*=\s*(?:"[^"]*"|'[^']*')""")
JSON = re.compile(r"""\s*(\{|\[\s*[\[{"\d\]])""")


def read_report(
    data: bytes, *, lint: Lint | None = None, exit_code: int | None = None
) -> SuiteReport:
    """Read a report: JUnit XML of any runner, NUnit, xUnit.net, TRX, TAP, go test -json or CTRF.

    `lint` says how the findings of a linter are counted, `exit_code` with what its runner ended.
    Raises `Unreadable`, which says in a sentence what is wrong and where.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(f"The report is larger than {MAX_BYTES // 1024 // 1024} MiB.")
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable("The report is empty.")
    if data.startswith(UTF16) or data[:2] in (b"<\0", b"\0<"):
        return _read_xml(_from_utf16(data), "utf-8", lint, exit_code)
    beginning = data.removeprefix(BOM).lstrip()
    if beginning.startswith(b"<"):
        return _read_xml(data.removeprefix(BOM).lstrip(), None, lint, exit_code)
    kinds.refuse_bytes(data)
    return _read_text(data.decode("utf-8-sig", errors="replace"), exit_code)


def _from_utf16(data: bytes) -> bytes:
    encoding = "utf-16" if data.startswith(UTF16) else "utf-16-le" if data[1] == 0 else "utf-16-be"
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        raise Unreadable("The report is not in UTF-16, as it begins.") from None


def _read_text(text: str, exit_code: int | None) -> SuiteReport:
    if kinds.EVENT.search(text, 0, kinds.HEAD):
        return gotest.read_events(text, exit_code)
    if JSON.match(text):
        if kinds.DOCUMENT_A_LINE.match(text):
            raise kinds.refuse_json(kinds.json_document(text.strip().partition("\n")[0]))
        document = kinds.json_document(text)
        if kinds.is_ctrf(document):
            return ctrf.read_ctrf(document, exit_code)
        raise kinds.refuse_json(document)
    if tap.looks_like_tap(text[:4000]):
        return tap.TAP().read(text, exit_code)
    raise kinds.refuse_text(text)


# --- XML ------------------------------------------------------------------------------------------


def _read_xml(
    data: bytes, encoding: str | None, lint: Lint | None, exit_code: int | None
) -> SuiteReport:
    try:
        return XMLPass(data, encoding, lint).report(exit_code)
    except Malformed as malformed:
        repaired = without_controls(data, encoding)
        if not malformed.by_character or repaired == data:
            raise
    return XMLPass(repaired, encoding, lint).report(exit_code)


class Malformed(Unreadable):
    """The report is no XML. `by_character`: it has a character that XML does not allow."""

    by_character = False


class XMLPass:
    """One pass over a document: its root decides which reader reads it."""

    def __init__(self, data: bytes, encoding: str | None, lint: Lint | None) -> None:
        self.lint = lint
        self.reader: XMLReader | None = None
        try:
            parser = self.parser = expat.ParserCreate(encoding)
            parser.buffer_text, parser.buffer_size = True, CHUNK
            parser.StartDoctypeDeclHandler = self._doctype
            parser.StartElementHandler = self._root
            self._parse(data)
        except expat.ExpatError as error:
            raise self._malformed(error) from error
        except (LookupError, ValueError) as error:  # what Python says of an encoding
            raise Unreadable(f"The report's encoding is not known: {error}.") from error
        finally:
            self._let_go()

    def report(self, exit_code: int | None) -> SuiteReport:
        if self.reader is None:
            raise Unreadable("The report has no element.")
        return self.reader.report(exit_code)

    def _parse(self, data: bytes) -> None:
        """Feed the parser in pieces, and refuse an element with too many attributes early."""
        looked_at = (0, CHUNK)
        for begin in range(0, len(data), CHUNK):
            end = begin + CHUNK
            self.parser.Parse(data[begin:end], False)
            waiting = self.parser.CurrentByteIndex
            # An element that does not end is looked at each time that it has doubled.
            if end - waiting >= 2 * (looked_at[1] if looked_at[0] == waiting else CHUNK):
                looked_at = waiting, end - waiting
                if _has_too_many_attributes(data, waiting, end):
                    raise too_many_attributes(self.reader.tag if self.reader else "…")
        self.parser.Parse(b"", True)

    def _doctype(self, name: str, *_: object) -> None:
        if name.lower() == "html":
            raise kinds.refuse_root("html", name)
        raise Unreadable("The report has a document type, which a test report does not need.")

    def _root(self, tag: str, attrs: dict[str, str]) -> None:
        local = XMLReader.local(tag)
        if local in JUNIT:
            self.reader = JUnit(self.parser, self.lint)
        elif local in READERS and not _is_other(local, attrs):
            self.reader = READERS[local](self.parser)
        else:
            raise kinds.refuse_root(local, tag)
        self.parser.StartElementHandler = self.reader.start
        self.parser.EndElementHandler = self.reader.end
        self.parser.CommentHandler = self.reader.comment
        self.reader.start(tag, attrs)

    def _malformed(self, error: expat.ExpatError) -> Malformed:
        codes = expat.errors.codes
        what = {
            codes[expat.errors.XML_ERROR_NO_ELEMENTS]: "it breaks off",
            codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN]: "it breaks off",
            codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION]: "it breaks off",
            codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]: (
                "it goes on after its end, as two reports in one do"
            ),
        }.get(error.code, expat.ErrorString(error.code))
        inside = self.reader is not None and self.reader.stack
        where = f", in {self.reader.where()}" if self.reader and inside else ""
        malformed = Malformed(
            f"The report is not XML: {what}{where} (line {error.lineno}, column {error.offset})."
        )
        malformed.by_character = error.code in (
            codes[expat.errors.XML_ERROR_INVALID_TOKEN],
            codes[expat.errors.XML_ERROR_BAD_CHAR_REF],
        )
        return malformed

    def _let_go(self) -> None:
        """Break the cycle of references between parser and reader."""
        parser = self.parser
        parser.StartElementHandler = parser.EndElementHandler = None
        parser.CharacterDataHandler = parser.CommentHandler = parser.StartDoctypeDeclHandler = None


def _has_too_many_attributes(data: bytes, begin: int, end: int) -> bool:
    """Return whether an element that did not end yet has more attributes than any report."""
    if not (found := TAG.match(data, begin, end)):
        return False
    for _ in range(MAX_ATTRIBUTES + 1):
        if not (found := ATTRIBUTE.match(data, found.end(), end)):
            return False
    return True


def _is_other(local: str, attrs: dict[str, str]) -> bool:
    """Return whether a root that is read has the name of one that is not."""
    return local == "testrun" and "xmlns" in attrs and "TeamTest" not in attrs["xmlns"]


# --- what no XML may hold -------------------------------------------------------------------------

ESCAPE = rb"(?:\x1b|&#(?:0*27|[xX]0*1[bB]);)"
COLOURS = re.compile(ESCAPE + rb"\[[0-9;:?]*[ -/]*[@-~]")
CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
REFERENCES = re.compile(rb"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));")
DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)""")


def without_controls(data: bytes, encoding: str | None) -> bytes:
    """Return a document without colours, and U+FFFD for each other character not in XML."""
    named = DECLARED.match(data[:200])
    utf8 = encoding == "utf-8" or not named or named[1].lower() in (b"utf-8", b"utf8", b"us-ascii")
    instead = b"\xef\xbf\xbd" if utf8 else b"?"

    def reference(found: re.Match[bytes]) -> bytes:
        digits = found[1] or found[2]
        number = int(digits, 16 if found[1] else 10) if len(digits) < 9 else -1
        return found[0] if _is_in_xml(number) else instead

    return REFERENCES.sub(reference, CONTROLS.sub(instead, COLOURS.sub(b"", data)))


def _is_in_xml(number: int) -> bool:
    return (
        number in (0x9, 0xA, 0xD)
        or 0x20 <= number <= 0xD7FF
        or 0xE000 <= number <= 0xFFFD
        or 0x10000 <= number <= 0x10FFFF
    )
