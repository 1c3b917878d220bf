"""The kinds of JSON that runners and linters write and that are not read, by their keys."""

from typing import Any

JEST = "Use the reporter jest-junit, vitest's junit or one of CTRF"
PYTEST = "Run pytest with --junit-xml=FILE"
MOCHA = "Run mocha with --reporter xunit"
CUCUMBER = "Run it with its formatter junit"
XCODE = "Convert it to JUnit XML, as trainer or xcbeautify do"
ALLURE = "Let the runner write JUnit XML as well"
LINTER = "Let the linter write JUnit XML"

# Keys of a document, or of the first in a list: what it is, and the way out. The first that fits
# counts. A dot leads into an object.
SIGNS = {
    ("numTotalTests", "testResults"): ("Jest's or Vitest's JSON", JEST),
    ("assertionResults", "name"): ("Jest's or Vitest's JSON", JEST),
    ("stats", "tests", "passes"): ("Mocha's JSON", MOCHA),
    ("stats", "results"): ("a Mochawesome report", MOCHA),
    ("stats", "copyrightYear"): ("a Mochawesome report", MOCHA),
    ("config", "suites"): ("Playwright's JSON", "Run it with --reporter=junit"),
    ("capabilities", "specs"): ("WebdriverIO's JSON", "Use the reporter @wdio/junit-reporter"),
    ("browserName", "totalTests"): ("Cypress's JSON", "Run cypress with --reporter junit"),
    ("userAgents", "fixtures"): ("TestCafe's JSON", "Run testcafe with --reporter xunit"),
    ("report", "httpOutput"): ("Nightwatch's JSON", "Run nightwatch with --reporter junit"),
    ("browsers", "summary"): ("Karma's JSON", "Use the reporter karma-junit-reporter"),
    ("collectors", "summary"): ("pytest's JSON", PYTEST),
    ("exitcode", "summary"): ("pytest's JSON", PYTEST),
    ("report.summary", "report.tests"): ("pytest's JSON", PYTEST),
    ("$report_type",): ("pytest's report log", PYTEST),
    ("examples", "summary"): ("RSpec's JSON", "Use rspec_junit_formatter"),
    ("examples", "summary_line"): ("RSpec's JSON", "Use rspec_junit_formatter"),
    ("location", "keyword", "status"): ("behave's JSON", "Run behave with --junit"),
    ("elements", "uri"): ("Cucumber's JSON", CUCUMBER),
    ("keyword", "uri"): ("Cucumber's JSON", CUCUMBER),
    ("meta.protocolVersion",): ("Cucumber's messages", CUCUMBER),
    ("historyId", "status"): ("an Allure result", ALLURE),
    ("stage", "status", "uuid"): ("an Allure result", ALLURE),
    ("children", "uuid"): ("an Allure container", ALLURE),
    ("reportName", "statistic"): ("an Allure summary", ALLURE),
    ("generator", "suite"): ("Robot Framework's own output", "Run robot with --xunit"),
    ("SpecReports", "SuitePath"): ("Ginkgo's JSON", "Run ginkgo with --junit-report=FILE"),
    ("testsuites", "tests"): ("GoogleTest's JSON", "Run it with --gtest_output=xml:FILE"),
    ("metadata", "test-run"): ("Catch2's JSON", "Run it with --reporter junit"),
    ("kind", "tests"): ("CTest's list of tests", "Run ctest with --output-junit FILE"),
    ("type", "event"): ("Rust's libtest JSON", "Run cargo nextest with a junit profile"),
    ("pid", "protocolVersion"): ("Dart's or Flutter's JSON", "Pass it through tojunit"),
    ("kind", "payload", "version"): ("Swift's events", "Run swift test with --xunit-output FILE"),
    ("testNodes",): ("Xcode's JSON", XCODE),
    ("actions", "_type"): ("Xcode's JSON", XCODE),
    ("collection", "run"): ("Newman's JSON", "Run newman with --reporters junit"),
    ("collection_id", "results"): ("Postman's JSON", "Run newman with --reporters junit"),
    ("iterationIndex", "results"): ("Bruno's JSON", "Run bru with --reporter-junit FILE"),
    ("entries", "filename"): ("Hurl's JSON", "Run hurl with --report-junit FILE"),
    ("metrics", "root_group"): ("a summary of k6", "Let handleSummary write it with jUnit()"),
    ("@level", "@message"): ("Terraform's JSON", "Run terraform test with -junit-xml=FILE"),
    ("testsuites",): ("JUnit XML turned into JSON", "Send the XML itself"),
    ("testsuite",): ("JUnit XML turned into JSON", "Send the XML itself"),
    # linters
    ("runs", "version"): ("a SARIF file of a linter", LINTER),
    ("filePath", "messages"): ("ESLint's JSON", "Run eslint with --format junit"),
    ("source", "warnings"): ("stylelint's JSON", "Use stylelint-junit-formatter"),
    ("command", "diagnostics"): ("Biome's JSON", "Run biome with --reporter=junit"),
    ("code", "filename"): ("Ruff's JSON", "Run ruff with --output-format junit"),
    ("file", "hint", "severity"): ("mypy's JSON", "Run mypy with --junit-xml FILE"),
    ("message-id", "module"): ("pylint's JSON", "Let it write JUnit XML, as pylint-junit does"),
    ("messageId", "module"): ("pylint's JSON", "Let it write JUnit XML, as pylint-junit does"),
    ("files", "metadata.rubocop_version"): ("RuboCop's JSON", "Run rubocop with --format junit"),
    ("errors", "files", "totals"): ("PHPStan's JSON", "Run phpstan with --error-format=junit"),
    ("errors", "paths", "results"): ("Semgrep's JSON", "Run semgrep with --junit-xml"),
    ("Issues", "Report"): ("golangci-lint's JSON", "Let it write junit-xml"),
    # coverage
    ("meta", "files", "totals"): ("a coverage report", ""),
    ("total.lines", "total.statements"): ("a coverage report", ""),
}
STREAMED = {"start", "pass", "fail", "end"}  # Mocha's json-stream: an array in each line


def sign_of(document: Any) -> tuple[str, str] | None:
    """Return what a JSON document is, and the way out; None if it is of no kind named here."""
    first = document[0] if isinstance(document, list) and document else document
    if isinstance(document, list) and isinstance(first, str) and first in STREAMED:
        return "Mocha's JSON", MOCHA
    if not isinstance(first, dict):
        return None
    return next((SIGNS[keys] for keys in SIGNS if all(_has(first, key) for key in keys)), None)


def _has(document: dict[str, Any], key: str) -> bool:
    outer, dot, inner = key.partition(".")
    if not dot:
        return key in document
    inside = document.get(outer)
    return isinstance(inside, dict) and inner in inside
