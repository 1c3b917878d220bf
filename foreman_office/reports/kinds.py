"""The kinds of files that are sent as reports: which are read, and what to send instead."""

import json
import re
from typing import Any

from foreman_office.reports.json_kinds import JEST, sign_of
from foreman_office.reports.results import Unreadable, one_line
from kit.core.json_bounds import MAX_CONTAINERS, MAX_VALUES, has_too_many_values

TAKEN = "JUnit XML, NUnit, xUnit.net, TRX, TAP, go test -json or CTRF"

# Roots of XML documents that are no test reports of a kind that is read, and the way out.
OTHER_XML = {
    "html": ("an HTML page", ""),
    "robot": ("Robot Framework's own output", "Run robot with --xunit, and send that file"),
    "testng-results": ("TestNG's own report", "Send the files in its folder junitreports"),
    "events": ("an Open Test Reporting file", "Let the build write JUnit XML as well"),
    "site": ("CTest's own Test.xml", "Run ctest with --output-junit FILE"),
    "catch": ("Catch2's own XML", "Run it with --reporter junit"),
    "catch2testrun": ("Catch2's own XML", "Run it with --reporter junit"),
    "catchtestrun": ("Catch2's own XML", "Run it with --reporter junit"),
    "doctest": ("doctest's own XML", "Run it with --reporters=junit"),
    "testlog": ("Boost.Test's own log", "Run it with --log_format=JUNIT"),
    "testresult": ("Boost.Test's own report", "Run it with --log_format=JUNIT"),
    "checkstyle": ("a Checkstyle report", "Let the linter write JUnit XML"),
    "pmd": ("a PMD report", "Let the linter write JUnit XML"),
    "coverage": ("a coverage report", ""),
    "report": ("a coverage report", ""),
    "testexecutions": ("a SonarQube report", "Let the runner write JUnit XML"),
    "plist": ("an Xcode property list", "Convert it to JUnit XML, as trainer or xcbeautify do"),
    "testsuitesummary": ("a summary", "Let the runner write JUnit XML"),
    "cppunittestrun": ("CppUnit's own XML", "Let it write JUnit XML"),
    "phpunit": ("PHPUnit's configuration or own XML", "Run phpunit with --log-junit FILE"),
    "behat": ("Behat's own XML", "Run behat with --format junit"),
    "mochawesome": ("a Mochawesome report", "Run mocha with a JUnit reporter"),
}
TEXTS = {
    "=== RUN": ("what go test prints", "Run go test -json, and send what it writes"),
    "=== test session starts": ("what pytest prints", "Run pytest with --junit-xml=FILE"),
    "running ": ("what cargo test prints", "Run cargo nextest with a junit profile"),
    "PASS ": ("what Jest prints", JEST),
    "[==========]": ("what GoogleTest prints", "Run it with --gtest_output=xml:FILE"),
}
BYTES = {
    b"\xb3": ("a stream of subunit v2", "Pass it through subunit2junitxml"),
    b"\x1f\x8b": ("packed by gzip", "Send it unpacked"),
    b"PK\x03\x04": ("a zip archive", "Send each report in it unpacked"),
    b"%PDF": ("a PDF", ""),
    b"(\xb5/\xfd": ("packed by zstd", "Send it unpacked"),
}
EVENT = re.compile(r'^\s*\{[^\n]*"Action"\s*:', re.MULTILINE)
# What go says of packages that it cannot build may come before its events.
HEAD = 20_000
DOCUMENT_A_LINE = re.compile(r"\s*(\{[^\n]*\}\s*\n\s*\{|\[[^\n]*\]\s*\n\s*\[)")


def refusal(what: str, way_out: str) -> Unreadable:
    """Return the refusal of a kind by its name, with what to send instead."""
    return Unreadable(f"The report is {what}. {way_out or f'Send {TAKEN}'}.")


def refuse_bytes(data: bytes) -> None:
    for beginning, (what, way_out) in BYTES.items():
        if data.startswith(beginning):
            raise refusal(what, way_out)


def refuse_root(local: str, tag: str) -> Unreadable:
    """Return the refusal of an XML document by its root."""
    if local in OTHER_XML:
        return refusal(*OTHER_XML[local])
    return Unreadable(
        f"The report begins with <{one_line(tag)}>, which is no test report. Send {TAKEN}."
    )


def refuse_text(text: str) -> Unreadable:
    """Return the refusal of a text that is no report."""
    head = text[:2000].lstrip()
    if "<testsuite" in text:
        return Unreadable(
            "The report has other text before its XML. Let the runner write it to its own file."
        )
    for beginning, (what, way_out) in TEXTS.items():
        if beginning in head[:400]:
            return refusal(what, way_out)
    return Unreadable(f"The report is of no kind that is known here. Send {TAKEN}.")


def is_ctrf(document: Any) -> bool:
    """Return whether a JSON document is a report in the Common Test Report Format."""
    if not isinstance(document, dict) or not isinstance(document.get("results"), dict):
        return False
    results = document["results"]
    return document.get("reportFormat") == "CTRF" or ("tests" in results and "summary" in results)


def json_document(text: str) -> Any:
    """Return a text parsed as JSON, or refuse it."""
    if has_too_many_values(text):
        raise Unreadable(
            f"The report has more than {MAX_CONTAINERS} objects and lists, or {MAX_VALUES} values."
        )
    try:
        return json.loads(text)
    except RecursionError:
        raise Unreadable("The report is nested too deeply.") from None
    except ValueError as error:
        raise Unreadable(f"The report is not JSON: {one_line(str(error))}.") from None


def is_events(data: bytes) -> bool:
    """Return whether bytes hold the events of `go test -json`."""
    return EVENT.search(data[:HEAD].decode(errors="replace")) is not None


def is_json_lines(data: bytes) -> bool:
    """Return whether bytes hold a JSON document in each line."""
    return DOCUMENT_A_LINE.match(data[:HEAD].decode(errors="replace")) is not None


def is_of_a_runner(document: Any) -> bool:
    """Return whether a JSON document is one that a runner or a linter writes."""
    return is_ctrf(document) or sign_of(document) is not None


UNKNOWN_JSON = (
    f"The report is JSON of no kind that is known here. Send {TAKEN}, or counts as passing and"
    " failing."
)


def refuse_json(document: Any) -> Unreadable:
    """Return the refusal of a JSON document by its keys."""
    sign = sign_of(document)
    return refusal(*sign) if sign else Unreadable(UNKNOWN_JSON)
