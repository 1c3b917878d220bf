"""What a report proves, from the upload over HTTP to the claim that is accepted or refused."""

import pytest

from governance.models import QAExecution
from tests.api.caller import unmet
from tests.api.proof import (
    ACCEPTED,
    ERRS,
    FAILS,
    GREEN,
    RED,
    accepted,
    case,
    detail,
    refused,
    suite,
)
from tests.api.refusals import said

pytestmark = pytest.mark.django_db(transaction=True)


# --- V2, F1: what failed outside of a test --------------------------------------------------------

BROKEN = {
    "an error on the suite": suite(
        '<error message="ImportError: cannot import lamp.fuse"/>',
        case("test_a"), case("test_b"), tests=2, errors=1,
    ),
    "a failure on the suite": suite(
        '<failure message="Dubious, test returned 3"/>', case("test_a"), case("test_b")
    ),
    "a suite that broke beside": f"<testsuites>{GREEN}"
    + suite("<system-err>SyntaxError</system-err>", name="broken", tests=1, errors=1)
    + "</testsuites>",
    "a root that declares failures": f'<testsuites errors="1">{GREEN}</testsuites>',
    "newman": "<testsuites>"
    + suite(case("test_a"), case("test_b"))
    + suite("<system-err>x is not defined</system-err>", name="throws", tests=0, errors=1)
    + "</testsuites>",
    "a runner that was killed": suite(case("test_a"), case("test_b"), tests=40),
    "counts with a suite that failed": {
        "passing": 2, "failing": 0, "suite_failed": "ImportError: cannot import lamp.fuse",
    },
    "counts with an exit code": {"passing": 2, "failing": 0, "exit_code": 1},
}  # fmt: skip


@pytest.mark.parametrize("report", BROKEN.values(), ids=BROKEN)
def test_what_failed_outside_of_a_test_speaks_against_the_run_and_the_claim(work, report):
    work.begin(RED)
    answer = work.sent(report)

    assert (answer["qa_status"], answer["failing_tests"], answer["passing_tests"]) == (
        "PARTIAL",
        0,
        2,
    )
    assert answer["against"]
    run = QAExecution.objects.get(pk=answer["execution_id"])
    assert run.against == answer["against"]
    claim = work.claim()
    assert (claim.status_code, work.is_completed()) == (409, False)
    assert "suite_green" in unmet(claim)
    assert answer["against"][0] in detail(work, "suite_green")


def test_an_exit_code_beside_a_report_speaks_against_it(work):
    work.begin(RED)
    answer = work.sent(GREEN, "?exit_code=2")
    assert (answer["qa_status"], answer["against"]) == (
        "PARTIAL",
        ["The runner ended with exit code 2."],
    )
    assert QAExecution.objects.get(pk=answer["execution_id"]).exit_code == 2
    assert accepted(work) == refused("suite_green")
    work.sent(GREEN, "?exit_code=0")
    assert accepted(work) == ACCEPTED


def test_a_suite_that_cannot_even_be_loaded_is_red_enough_to_begin(work):
    """Jest leaves a file out that does not load: no test fails, because none is there."""
    work.take_again({"passing": 0, "failing": 0, "suite_failed": "SyntaxError"})
    work.caller.beat(work.task)
    work.sent(GREEN)
    assert accepted(work) == ACCEPTED


# --- V1, F2: what never was a test ----------------------------------------------------------------

TWIN = suite(
    case("test_a", FAILS), case("test_a", ERRS), case("test_b", FAILS), case("test_c"),
    name="pytest",
)  # fmt: skip
HONEST = {
    "failure and error of one test": (
        TWIN,
        suite(case("test_a"), case("test_b"), case("test_c"), name="pytest"),
    ),
    "pytest, a module that could not be imported": (
        suite(
            case("test_hold", '<error message="collection failure">ImportError</error>', ""),
            name="pytest", errors=1, tests=1,
        ),
        suite(
            case("test_expires", classname="test_hold"),
            case("test_free", classname="test_hold"),
            name="pytest", tests=2,
        ),
    ),
    "unittest, a class that could not be set up": (
        suite(case("setUpClass (m.TestB)", ERRS, ""), case("test_a")),
        suite(case("test_a"), case("test_b", classname="m.TestB")),
    ),
    "unittest, a module that could not be imported": (
        suite(case("test_imp", ERRS, "unittest.loader._FailedTest")),
        suite(case("test_b", classname="test_imp.TestB")),
    ),
    "nose2, a module that could not be imported": (
        suite(case("test_imp", ERRS, "nose2.loader.ModuleImportFailure")),
        suite(case("test_b", classname="test_imp.TestB")),
    ),
    "mocha, a hook": (
        suite(case('"before all" hook for "b"', FAILS, "before"), case("ok", classname="x")),
        suite(case("b", classname="before"), case("ok", classname="x")),
    ),
    "GoogleTest, the environment": (
        suite(case("", FAILS, ""), name="NonTestSuiteFailure"),
        suite(case("test_a"), case("test_b")),
    ),
    "Surefire, @BeforeClass": (
        suite(case("BTest", ERRS, "BTest"), name="BTest"),
        suite(case("works", classname="BTest"), name="BTest"),
    ),
    "a module that is named by no known sign": (
        suite(case("lamp_spec", ERRS, "")),
        suite(case("burns", classname="lamp_spec"), case("dims", classname="lamp_spec")),
    ),
    "unittest, subtests of which only those that fail are written": (
        suite(case("test_subs (i=0)", FAILS), case("test_subs (i=1)", FAILS), case("test_b")),
        suite(case("test_subs"), case("test_b")),
    ),
    "files in a temporary folder": (
        suite(case("t", FAILS, "A"), name="A", file="/tmp/build-a/x.py"),
        suite(case("t", classname="A"), name="A", file="/tmp/build-b/x.py"),
    ),
    "files in another checkout": (
        suite(case("t", FAILS, "A"), name="A", file="/home/u1/proj/tests/x.py"),
        suite(case("t", classname="A"), name="A", file="/home/u2/work/tests/x.py"),
    ),
    "names with the address of an object": (
        suite(case("test_s[<object object at 0x7fe400000010>]", FAILS), case("test_b")),
        suite(case("test_s[<object object at 0x7fd500000020>]"), case("test_b")),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("red", "green"), HONEST.values(), ids=HONEST)
def test_an_honest_red_becomes_green_and_completes_by_an_ordinary_claim(work, red, green):
    work.begin(red)
    answer = work.sent(green)
    assert answer["qa_status"] == "GREEN", answer
    assert answer["changes"]["vanished"] == []
    assert accepted(work) == ACCEPTED


def test_a_test_that_fails_in_its_call_and_its_teardown_is_one_test(work):
    assert work.sent(TWIN)["total_tests"] == 3


def test_attempts_of_one_test_are_one_test(work):
    """pytest-rerunfailures writes each attempt as a bare case."""
    red = suite(
        case("test_never"), case("test_never"), case("test_never", FAILS), case("test_b"),
        name="pytest",
    )  # fmt: skip
    work.begin(red)
    green = suite(case("test_never"), case("test_b"), name="pytest")
    assert work.sent(green)["changes"]["fixed"] == ["lamp.test_hold::test_never"]
    assert accepted(work) == ACCEPTED


LINTED = suite(
    case("org.eslint.no-undef", FAILS, "/w/a.js"), case("org.eslint.semi", FAILS, "/w/b.js"),
    name="org.eslint", package="org.eslint",
)  # fmt: skip


@pytest.mark.parametrize("by", ["one", "rule-file"])
def test_the_findings_of_a_linter_can_become_green(work, by):
    query = f"?lint={by}"
    work.sent(LINTED, query)
    work.take_again()
    work.caller.beat(work.task)
    assert work.sent(suite(name="org.eslint"), query)["qa_status"] == "GREEN"
    assert accepted(work) == ACCEPTED


# --- goalposts that do move -----------------------------------------------------------------------

MOVED = {
    "a failing test is gone": (RED, suite(case("test_a"))),
    "a number in a name": (suite(case("test_a[1]", FAILS)), suite(case("test_a[2]"))),
    "a date in a name": (
        suite(case("test_a[2026-11-20]", FAILS)),
        suite(case("test_a[2026-11-21]")),
    ),
    "two for one": (
        suite(
            case("t <object object at 0x7fe400000010>", FAILS),
            case("t <object object at 0x7fe400000020>", FAILS),
        ),
        suite(case("t <object object at 0x7fd500000030>"), case("test_new")),
    ),
    "a test of the same name elsewhere": (
        "<testsuites>"
        + suite(case("works", FAILS, "test"), name="A", file="a.js")
        + suite(case("works", classname="test"), name="B", file="b.js")
        + "</testsuites>",
        "<testsuites>"
        + suite(case("works", classname="test"), name="B", file="b.js")
        + suite(case("works", classname="test"), name="C", file="c.js")
        + "</testsuites>",
    ),
    "a failing test beside those that are named after it": (
        suite(case("a", FAILS, ""), case("b", classname="a")),
        suite(case("b", classname="a"), case("c", classname="a")),
    ),
    "a skipped test": (RED, suite(case("test_a"), case("test_b", "<skipped/>"))),
    "a run that names no tests": (RED, {"passing": 2, "failing": 0}),
    "fewer tests than counts said": ({"passing": 0, "failing": 3}, GREEN),
}


@pytest.mark.parametrize(("red", "green"), MOVED.values(), ids=MOVED)
def test_a_lost_test_refuses_the_claim(work, red, green):
    work.begin(red)
    work.sent(green)
    claim = work.claim()
    assert (claim.status_code, work.is_completed()) == (409, False)
    assert "goalposts_stand" in unmet(claim)


def test_where_only_counts_were_told_the_gate_says_so(work):
    work.begin({"passing": 0, "failing": 2})
    answer = work.sent({"passing": 2, "failing": 0})
    assert answer["changes"]["newly_failing"] is None
    claim = work.claim().json()
    assert claim["accepted"]
    assert next(c["detail"] for c in claim["conditions"] if c["rule"] == "goalposts_stand") == (
        "Only counts were compared, because the earlier run named no tests: there are no fewer now."
    )


# --- V4: names in bytes ---------------------------------------------------------------------------


def test_a_name_that_no_index_takes_is_refused_at_its_field(work):
    name = "路" * 900
    body = {"passing": 1, "failing": 0, "tests": [{"name": name, "outcome": "passed"}]}
    answer = work.send(body)
    assert (answer.status_code, said(answer)) == (
        422,
        [("tests.0.name", "string_too_many_bytes")],
    )
    assert work.sent(suite(case(name)))["total_tests"] == 1
