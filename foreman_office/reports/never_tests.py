"""Results in reports that are no tests: imports, set-ups and hooks that failed."""

import re

NEVER_TESTS = re.compile(
    r"""
    \b(setUp|tearDown)(Class|Module)(\ \(|$)                          # unittest
    | (^|[.:])(_FailedTest|ModuleImportFailure|LoadTestsFailure|_ErrorHolder)\b
    | (^|[:\s])"?(before|after)[ ](all|each)"?[ ]hook\b               # mocha
    | "(before|after)[ ](all|each)"[ ]hook
    | \bTest[ ]suite[ ]failed[ ]to[ ]run\b                            # Jest
    | \bTest[ ]execution[ ]failure:[ ]could[ ]be[ ]caused[ ]by[ ]test[ ]hooks
    | \bAn[ ]error[ ]was[ ]thrown[ ]in[ ]an?[ ]?(before|after)(All|Each)   # Jasmine
    | \bencountered[ ]a[ ]declaration[ ]exception\b
    | (^|::)\[(Deferred)?(Synchronized)?(Before|After|Report|Cleanup)\w*(\ \(\w+\))?\]  # Ginkgo
    | (^|::)(TestMain|\[(build|setup)[ ]failed\])$                    # Go
    | (^|::)(setup|teardown)_(file|suite)([ ]failed)?$                # bats
    | (^|[:.])(init|end)_per_(suite|group|testcase)\b                 # Common Test
    | (^|::)(initializationError|executionError|classMethod)$         # JUnit under Gradle, Ant
    | \bOneTime(SetUp|TearDown)\b                                     # NUnit
    | NonTestSuiteFailure                                             # GoogleTest
    | \bfixture[ ]setup\b
    | \bWarningTestCase::
    | \bTest[ ](Class|Collection|Assembly|Method|Case)[ ]Cleanup[ ]Failure  # xUnit.net
    | \(uncaught[ ]error\)$                                           # Deno
    | (^|::)(?i:(before|after)[ _]?(all|each|class|suite|spec|scenario|feature)s?([ ]hook)?)$
    | ContextSuite[ ]context=                                         # nose
    | (^|::)global[ ]failure(::|$)                                    # QUnit
    """,
    re.VERBOSE,
)
# One of these is in whatever the pattern finds; to ask for them first saves most of the asking.
HINTS = (
    "setUp", "tearDown", "_FailedTest", "ImportFailure", "LoadTestsFailure", "_ErrorHolder",
    "hook",
    "Test suite failed", "was thrown in", "declaration", "[", "TestMain", "_file", "_suite",
    "_per_",
    "initializationError", "executionError", "classMethod", "OneTime", "NonTestSuiteFailure",
    "fixture", "WarningTestCase", "Cleanup", "uncaught", "ContextSuite", "global failure",
    "efore", "fter",
)  # fmt: skip
FILE = re.compile(
    r"\S*[^\s.]\.(?:[cm]?[jt]sx?|py|rb|php|go|rs|lua|dart|exs?|bats|feature|vue|svelte)"
)
COLLECTION = frozenset({"collection failure", "collection skipped"})
LONGEST = 1_000  # of what is looked at
TYPE_NAME = re.compile(r"[\w$.\\]+")


def was_never_a_test(suite: str, classname: str, name: str, message: str | None) -> bool:
    """Return whether a result that did not pass stands for something other than a test.

    `suite` is the name of the suite that holds it. Asked only of what failed or was skipped.
    """
    suite, classname, name = suite[:LONGEST], classname[:LONGEST], name[:LONGEST]
    if not name or (message or "").partition("\n")[0] in COLLECTION:
        return True
    whole = f"{classname}::{name}"
    if names_no_test(whole) or names_no_test(suite):
        return True
    if "." in name and FILE.fullmatch(name):  # a file that could not be loaded
        return name in (classname, suite) or name.startswith("/") or name[1:3] == ":\\"
    # JUnit 4 names a class that could not be set up by its name.
    return name == classname and _is_class(name, suite)


def names_no_test(name: str) -> bool:
    """Return whether a name is one that runners give to what is no test."""
    return any(hint in name for hint in HINTS) and NEVER_TESTS.search(name) is not None


def _is_class(name: str, suite: str) -> bool:
    return TYPE_NAME.fullmatch(name) is not None and (suite == name or suite.endswith(f".{name}"))
