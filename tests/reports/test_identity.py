"""A test is itself, whatever its place in the report and whatever stands beside it."""

import pytest

from foreman_office.reports import read_report
from tests.reports.sample import case, counts, junit, never_tests, outcomes, suite

FAIL, BREAK = "<failure message='call'/>", "<error message='teardown'/>"


@pytest.mark.parametrize(
    ("report", "name"),
    [
        (suite(case("t", owner="m.C"), "pytest"), "m.C::t"),
        (suite(case("t", owner="m.C"), "undefined"), "m.C::t"),
        (suite(case("t", owner="m.C"), "m.C"), "m.C::t"),
        (suite(case("t", owner="m.C"), "C"), "m.C::t"),
        (suite(case("t", owner="m.C"), "m"), "m.C::t"),
        (suite(case("t", owner="m.C"), "m.C-20261129223427"), "m.C::t"),
        (suite(case("t", owner="tests.m"), "tests/m.py"), "tests.m::t"),
        (suite(case("t", owner="k"), "Cupboard"), "Cupboard::k::t"),
        (suite(case("t", owner="kettle"), "k"), "k::kettle::t"),
        (suite(suite(case("t", owner="k"), "inner"), "outer"), "outer::inner::k::t"),
        (suite('<testcase name="t"/>', "e_t"), "e_t::t"),
        ('<testcase name="t"/>', "t"),
        (suite(case("t", owner="k", more='file="b/x.js"')), "b/x.js::s::k::t"),
        (suite(case("t", owner="k", more='file="/a/b/c/d/x.js"')), "/c/d/x.js::s::k::t"),
        (suite(case("t", owner="spec.x_spec", more='file="./spec/x_spec.rb"'), "rspec"),
         "spec.x_spec::t"),
        (suite(case("t", owner="k"), more='file="b/x.js"'), "b/x.js::s::k::t"),
        (suite(case("t", owner="spec/x.lua:12"), "Run 1 of 1"), "spec/x.lua::t"),
        (suite('<testcase classname="k"/>'), "s::k"),
    ],
)  # fmt: skip
def test_a_name_says_where_the_test_lies_and_no_more(report, name):
    assert list(outcomes(junit(report))) == [name]


def test_projects_of_playwright_are_told_apart_and_machines_are_not():
    root = '<testsuites id="" name="" tests="2" failures="0" skipped="0" errors="0" time="1">'
    inside = suite(case("t", owner="a.spec.ts"), "a.spec.ts", 'hostname="{}"')
    report = read_report(
        f"{root}{inside.format('chrome')}{inside.format('firefox')}</testsuites>".encode()
    )
    assert set(outcomes(report)) == {"chrome::a.spec.ts::t", "firefox::a.spec.ts::t"}
    assert list(outcomes(junit(inside.format("builder-7")))) == ["a.spec.ts::t"]


def test_a_test_that_was_deleted_is_not_taken_for_one_that_was_added_elsewhere():
    red = junit(suite(case("works", FAIL, "test"), "A") + suite(case("works", "", "test"), "B"))
    green = junit(suite(case("works", "", "test"), "B") + suite(case("works", "", "test"), "C"))

    gone = set(outcomes(red)) - set(outcomes(green))
    assert gone == {"A::test::works"}


def test_of_one_name_and_place_the_worst_outcome_has_the_name_wherever_it_is_written():
    one, other = case("dup", FAIL), case("dup")
    expected = {"s::k::dup": "failed", "s::k::dup #2": "passed"}

    assert outcomes(junit(suite(one + other))) == expected
    assert outcomes(junit(suite(other + one))) == expected


def test_a_number_that_is_taken_by_a_real_name_is_passed_over():
    names = list(outcomes(junit(suite(case("a") * 3 + case("a #2")))))

    assert sorted(names) == ["s::k::a", "s::k::a #2", "s::k::a #3", "s::k::a #4"]


@pytest.mark.parametrize("name", ["pytest", "lamp"])
def test_failures_in_call_and_teardown_are_of_one_test(name):
    red = junit(suite(case("a", FAIL) + case("a", BREAK) + case("b", FAIL) + case("c"), name))

    assert counts(red) == (1, 2, 0)
    green = junit(suite(case("a") + case("b") + case("c"), name))
    assert set(outcomes(red)) == set(outcomes(green))


def test_the_message_of_call_and_teardown_names_both():
    report = junit(suite(case("a", BREAK) + case("a", FAIL), "pytest"))
    assert [each.message for each in report.results] == ["call\n\nteardown"]


def test_attempts_are_folded_only_where_the_dialect_proves_that_they_are():
    twice = case("a", FAIL) + case("a")
    go = "<properties><property name='go.version' value='1.26'/></properties>"

    assert counts(junit(suite(twice))) == (1, 1, 0)
    assert counts(junit(suite(twice, "pytest"))) == (0, 1, 0)
    (attempted,) = junit(suite(go + twice, "example.org/p")).results
    assert (attempted.outcome, attempted.flaky) == ("passed", True)
    (counted_run, _) = junit(suite(go + twice + case("b") * 2, "example.org/p")).results
    assert counted_run.outcome == "failed"


def test_runs_of_one_test_in_two_suites_are_no_attempts():
    report = junit(suite(case("a", FAIL), "pytest") + suite(case("a"), "pytest"))
    assert counts(report) == (1, 1, 0)


def test_a_suite_of_pytest_is_known_whatever_it_is_called():
    more = 'errors="0" failures="1" skipped="0" tests="9" time="1" timestamp="" hostname="b"'
    report = junit(suite(case("a") + case("a", FAIL), "lamp", more))
    assert (report.dialect, outcomes(report), report.against) == ("pytest", {"k::a": "failed"}, [])


def test_the_parts_of_a_test_are_that_test():
    inside = case("test_x (i=0)", FAIL, "m.T") + case("test_x [m] (i=1)", FAIL, "m.T")
    report = junit(suite(inside, "m.T-20261129223427"))

    assert outcomes(report) == {"m.T::test_x": "failed"}


@pytest.mark.parametrize(
    "inside",
    [
        '<testcase classname="" name="m"><error message="collection failure"/></testcase>',
        '<testcase classname="" name="m"><error message="ImportError"/></testcase>',
        '<testcase classname="" name=""><failure/></testcase>',
        case("setUpClass (m.T)", BREAK, ""),
        case("test_m", BREAK, "unittest.loader._FailedTest"),
        case('"before all" hook for "x"', FAIL),
        case('b "after each" hook', FAIL),
        case("Test suite failed to run", FAIL),
        case("a.test.js", FAIL, "a.test.js"),
        case("/work/a.test.mjs", FAIL, "test"),
        case("TestMain", FAIL, ""),
        case("[BeforeSuite]", FAIL),
        case("setup_file failed", FAIL, "a.bats"),
        case("init_per_suite", FAIL),
        case("initializationError", FAIL),
        case("beforeAll", FAIL),
        case("./a_test.ts (uncaught error)", FAIL),
    ],
)
def test_what_was_never_a_test_counts_as_failing_and_is_marked(inside):
    report = junit(suite(inside))

    assert counts(report) == (0, 1, 0)
    assert len(never_tests(report)) == 1


@pytest.mark.parametrize(
    "inside",
    [
        case("test_hook", FAIL),
        case("test_setUpClass_is_called", FAIL, "m.T"),
        case("runs before all others", FAIL),
        case("a", FAIL, ""),
        case("reads a.test.js", FAIL),
        case("Hold expires", FAIL, "Hold expires"),
        case("[1-2]", FAIL),
        case("m") + case("", "", "m"),
        '<testcase classname="" name="a"/><testcase classname="" name="b"><error/></testcase>',
    ],
)
def test_a_test_that_failed_is_a_test(inside):
    assert never_tests(junit(suite(inside))) == set()


def test_a_class_that_could_not_be_set_up_is_no_test():
    assert never_tests(junit(suite(case("m.BTest", BREAK, "m.BTest"), "m.BTest")))


def test_a_block_whose_hook_broke_is_no_test():
    inside = suite(case("after", FAIL, "a.js") + case("after &gt; x", "", "a.js"), "a.js")
    report = read_report(f'<testsuites name="vitest tests">{inside}</testsuites>'.encode())
    assert never_tests(report) == {"a.js::after"}


def test_a_long_name_is_shortened_alike_in_every_run_and_told_apart():
    report = junit(suite(case("路" * 900 + "a") + case("路" * 900 + "b")))
    names = list(outcomes(report))

    assert len(set(names)) == 2
    assert all(len(name.encode()) <= 2_000 for name in names)
    assert list(outcomes(junit(suite(case("路" * 900 + "b"))))) == [names[1]]


def test_names_that_are_not_too_long_are_whole():
    name = "x" * 1_900
    assert list(outcomes(junit(suite(case(name))))) == [f"s::k::{name}"]
