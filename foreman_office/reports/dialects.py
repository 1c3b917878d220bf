"""The dialects of JUnit XML: what each runner guarantees, and how it is recognised."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

Attributes = Mapping[str, str]


class Attempts(Enum):
    """What several results of one name mean in a dialect."""

    NONE = "none"  # nothing: they may be different tests of one name
    BARE = "bare"  # each attempt but the last has no outcome
    EACH = "each"  # each attempt has its outcome


@dataclass(frozen=True)
class Dialect:
    """What the reports of one runner guarantee.

    `exact`: it writes as many tests as it declares. `unique`: class and name belong to one test, so
    that a repeat is the same test again. `places`: suites and files are needed to tell tests apart.
    `hosts`: a suite's host name is a project, not a machine. `subtests`: a name goes on with the
    description of a part of the test. `constant_class`: all tests are of this class.
    """

    name: str
    exact: bool = True
    unique: bool = False
    attempts: Attempts = Attempts.NONE
    places: bool = True
    hosts: bool = False
    subtests: bool = False
    constant_class: bool = False
    linter: bool = False


UNKNOWN = Dialect("JUnit XML")
PYTEST = Dialect("pytest", exact=False, unique=True, attempts=Attempts.BARE, places=False)
UNITTEST = Dialect("unittest", exact=False, unique=True, places=False, subtests=True)
GO = Dialect("Go", unique=True, attempts=Attempts.EACH)
JEST = Dialect("jest-junit")
VITEST = Dialect("vitest")
MOCHA = Dialect("mocha")
NODE = Dialect("node:test", constant_class=True)
PLAYWRIGHT = Dialect("Playwright", hosts=True)
WEB_TEST_RUNNER = Dialect("web-test-runner", exact=False)
NIGHTWATCH = Dialect("Nightwatch", exact=False)  # it declares assertions
SUREFIRE = Dialect("Maven Surefire", places=False)
PHPUNIT = Dialect("PHPUnit", places=False)
GOOGLETEST = Dialect("GoogleTest", places=False)
CATCH2 = Dialect("Catch2", exact=False)  # it declares assertions
DOCTEST = Dialect("doctest", exact=False)  # it declares assertions
CTEST = Dialect("CTest", places=False)
RSPEC = Dialect("RSpec")
CUCUMBER = Dialect("cucumber-js")
NEXTEST = Dialect("cargo-nextest")
BUSTED = Dialect("busted")
LINTER = Dialect("linter", exact=False, linter=True)

BY_ROOT_NAME = {
    "pytest tests": PYTEST,
    "jest tests": JEST,
    "vitest tests": VITEST,
    "mocha tests": MOCHA,
    "nextest-run": NEXTEST,
    "nightwatch": NIGHTWATCH,
    "web test runner": WEB_TEST_RUNNER,
}
BY_SUITE_NAME = {
    "pytest": PYTEST,
    "nose2-junit": UNITTEST,
    "mocha tests": MOCHA,
    "rspec": RSPEC,
    "cucumber": CUCUMBER,
    "cucumber-js": CUCUMBER,
}
# Names that a runner gives to every suite: they tell nothing apart.
CONSTANT = re.compile(
    r"|pytest|undefined|\(empty\)|mocha tests|root suite|nose2-junit|rspec\d*|jest tests"
    r"|cucumber(-js)?|(all|selected) ?tests|test ?results|run \d+ of \d+"
    r"|junit (jupiter|vintage)|(default|surefire|command line) suite",
    re.IGNORECASE,
)
# xmlrunner ends the name of a suite in the time of its run.
TIME_OF_RUN = re.compile(r"-\d{14}$")

LINTERS = {
    "ruff", "biome", "oxlint", "eslint", "tslint", "jshint", "stylelint", "pylint", "flake8",
    "phpstan", "psalm", "php cs fixer", "rubocop", "golangci-lint", "cloudformation lint",
    "ansible-lint", "yamllint", "swiftlint", "ktlint", "detekt", "tflint", "hadolint", "shellcheck",
    "htmlhint", "markdownlint", "standardrb", "sqlfluff", "bandit", "credo", "deno lint",
    "prettier",
}  # fmt: skip
LINTER_PACKAGE = re.compile(r"(?:org\.|com\.)?(\w+)(?:\.rules)?")
PHP_CODESNIFFER = "php_codesniffer"


def of_root(attrs: Attributes) -> Dialect:
    """Return the dialect of a report by the attributes of its root, if that is no suite."""
    if linter := linter_of(attrs):
        return replace(LINTER, name=linter)
    known = BY_ROOT_NAME.get(attrs.get("name", "").lower())
    return known or (PLAYWRIGHT if attrs.keys() >= PLAYWRIGHT_ATTRIBUTES else UNKNOWN)


def of_suite(attrs: Attributes, above: Dialect) -> Dialect:
    """Return the dialect of a suite by its attributes; without a mark, that of what holds it."""
    if linter := linter_of(attrs):
        return replace(LINTER, name=linter)
    name = attrs.get("name", "")
    if found := BY_SUITE_NAME.get(name.lower()):
        return found
    if TIME_OF_RUN.search(name):
        return UNITTEST
    if tuple(attrs) == PYTEST_ATTRIBUTES:  # whatever its suite is called
        return PYTEST
    if "doctest_version" in attrs:
        return DOCTEST
    if any("surefire" in value for key, value in attrs.items() if "chemaLocation" in key):
        return SUREFIRE
    if name.lower().startswith("run ") and CONSTANT.fullmatch(name):
        return BUSTED
    return above


def of_property(name: str) -> Dialect | None:
    """Return the dialect that a property of a suite indicates."""
    if name in ("go.version", "coverage.statements.pct"):
        return GO
    if name.startswith("surefire."):
        return SUREFIRE
    return None


def of_failure(type_name: str) -> Dialect | None:
    """Return the dialect that the type of a failure indicates."""
    return UNITTEST if type_name.startswith("testtools.") else None  # subunit2junitxml


def of_first_test(attrs: Attributes) -> Dialect | None:
    """Return the dialect that a suite's first test indicates, where nothing above it does."""
    known, classname = attrs.keys(), attrs.get("classname", "")
    if classname == "pylint":
        return replace(LINTER, name="pylint")
    if ":" in classname and PLACE_OF_FINDING.fullmatch(classname):
        return replace(LINTER, name="golangci-lint")
    if "class" in known and (attrs["class"].replace("\\", ".") == classname or not classname):
        return PHPUNIT
    if "result" in known and "status" in known:
        return GOOGLETEST
    if classname.endswith(".global") and attrs.get("status") == "run":
        return CATCH2
    if "status" in known and classname and classname == attrs.get("name"):
        return CTEST
    if classname in ("test", "suite") and known <= NODE_ATTRIBUTES:
        return NODE
    return None


PYTEST_ATTRIBUTES = (
    *("name", "errors", "failures", "skipped", "tests", "time", "timestamp", "hostname"),
)
PLAYWRIGHT_ATTRIBUTES = {"id", "name", "tests", "failures", "skipped", "errors", "time"}
NODE_ATTRIBUTES = {"name", "time", "classname", "failure", "file"}
# golangci-lint: the class of a finding is its place
PLACE_OF_FINDING = re.compile(r"\S+\.\w{1,5}:\d+:\d+")


def linter_of(attrs: Attributes) -> str | None:
    """Return which linter wrote a root or a suite; None if it was no linter."""
    name = attrs.get("name", "").lower()
    if name.startswith(PHP_CODESNIFFER):
        return PHP_CODESNIFFER
    if name in LINTERS:
        return name
    package = LINTER_PACKAGE.fullmatch(attrs.get("package", "").lower())
    return package[1] if package and package[1] in LINTERS else None
