"""Reports as real runners wrote them: each small project has one of each quirk of its runner."""

import pytest

from tests.reports.sample import counts, never_tests, outcomes, sample

# file: dialect, (passing, failing, skipped), what was never a test, what speaks against the run
RUNNERS = {
    "pytest.xml": ("pytest", (2, 2, 1), set(), []),
    "pytest-mixed.xml": ("pytest", (3, 7, 2), set(), []),
    "pytest-import.xml": ("pytest", (0, 1, 0), {"test_hold"}, []),
    "pytest-reruns.xml": ("pytest", (2, 1, 0), set(), []),
    "pytest-each.xml": ("pytest", (1, 2, 0), set(), []),
    "xmlrunner.xml": (
        "unittest",
        (2, 8, 2),
        {
            "setUpClass (test_m.TestB)",
            "tearDownClass (test_m.TestC)",
            "unittest.loader._FailedTest::test_imp",
        },
        [],
    ),
    "nose2.xml": (
        "unittest",
        (2, 7, 3),
        {
            "setUpClass (test_m.TestB)",
            "tearDownClass (test_m.TestC)",
            "nose2.loader.ModuleImportFailure::test_imp",
        },
        [],
    ),
    "subunit2junitxml.xml": (
        "unittest",
        (3, 8, 1),
        {
            "setUpClass (test_m.TestB)",
            "tearDownClass (test_m.TestC)",
            "unittest.loader._FailedTest::test_imp",
        },
        [],
    ),
    "robot.xml": ("JUnit XML", (1, 2, 1), set(), []),
    "behave.xml": ("JUnit XML", (3, 3, 0), set(), []),
    "node.xml": ("node:test", (7, 3, 3), {"test::/work/hold/c.test.mjs"}, []),
    "node-hook.xml": ("node:test", (2, 0, 0), set(), ["fail 1"]),
    "node.tap": (
        "TAP",
        (8, 3, 2),
        {"/work/hold/c.test.mjs"},
        ["“parent” itself failed: parent itself", "“H” itself failed: hook"],
    ),
    "jest.xml": (
        "jest-junit",
        (8, 4, 1),
        {
            " Test execution failure: could be caused by test hooks like 'afterAll'.::"
            " Test execution failure: could be caused by test hooks like 'afterAll'."
        },
        [],
    ),
    "jest-suites.xml": ("jest-junit", (2, 1, 1), set(), []),
    "jest-broken.xml": (
        "jest-junit",
        (0, 1, 0),
        {"only/imp.test.js::Test suite failed to run::only/imp.test.js"},
        [],
    ),
    "mocha-xunit.xml": (
        "mocha",
        (3, 4, 2),
        {
            '/hold/test/a.js::b::"before all" hook for "x"',
            '/hold/test/a.js::be::"before each" hook for "a"',
            '/hold/test/a.js::af::"after all" hook for "a"',
        },
        [],
    ),
    "vitest.xml": ("vitest", (5, 3, 2), {"a.test.js::after", "imp.test.js::imp.test.js"}, []),
    "cucumber.xml": ("cucumber-js", (2, 6, 0), set(), []),
    "newman.xml": ("JUnit XML", (2, 1, 0), set(), ["testScriptError: boom"]),
    "gotestsum.xml": ("Go", (3, 4, 1), {"example.org/line/panics::TestMain"}, []),
    "gotestsum-reruns.xml": ("Go", (3, 2, 1), set(), []),
    "gotestsum-count.xml": ("Go", (3, 2, 1), set(), []),
    "go-junit-report.xml": ("Go", (2, 1, 1), set(), []),
    "go-test.json": (
        "Go",
        (3, 3, 1),
        set(),
        [
            "The package example.org/line/broken itself failed: [build failed].",
            "The package example.org/line/panics itself failed",
        ],
    ),
    "cargo-nextest.xml": ("cargo-nextest", (2, 1, 1), set(), []),
    "surefire.xml": ("Maven Surefire", (3, 1, 1), set(), []),
    "googletest.xml": ("GoogleTest", (2, 2, 2), {"NonTestSuiteFailure"}, []),
    "catch2.xml": ("Catch2", (3, 0, 1), set(), []),
    "doctest.xml": ("doctest", (1, 2, 0), set(), []),
    "boost.xml": ("JUnit XML", (1, 1, 0), set(), []),
    "ctest.xml": ("CTest", (1, 1, 3), set(), []),
    "bats.xml": ("JUnit XML", (1, 2, 1), {"./b.bats"}, []),
    "bats.tap": ("TAP", (1, 2, 1), {"setup_file failed"}, []),
    "prove.xml": (
        "JUnit XML",
        (4, 1, 2),
        set(),
        [f"returned {code}" for code in (2, 3, 1, 255)],
    ),
    "subtests.tap": ("TAP", (2, 1, 0), set(), []),
    "busted.xml": ("busted", (1, 1, 1), set(), []),
    "phpunit.xml": ("PHPUnit", (2, 3, 2), set(), []),
    "mypy.xml": ("JUnit XML", (0, 1, 0), set(), []),
    "cut/catch2.xml": ("Catch2", (0, 0, 1), set(), []),
    "cut/ctest.xml": ("CTest", (0, 1, 0), set(), []),
    "cut/newman.xml": ("JUnit XML", (1, 0, 0), set(), ["Error: boom"]),
    "cut/node-ansi.xml": ("node:test", (0, 1, 0), set(), []),
    "cut/node-flat.xml": ("node:test", (1, 0, 0), set(), []),
    "cut/node-same.xml": ("node:test", (1, 1, 0), set(), []),
    "cut/node-todo.xml": ("node:test", (0, 0, 1), set(), []),
    "cut/prove.xml": ("JUnit XML", (1, 0, 0), set(), ["Dubious, test returned 3"]),
    "cut/rerunfailures.xml": ("pytest", (0, 1, 0), set(), []),
}


@pytest.mark.parametrize("name", RUNNERS)
def test_a_runners_report_is_read_as_its_runner_means_it(name):
    dialect, counted, never, against = RUNNERS[name]
    report = sample(name)

    assert (report.dialect, counts(report)) == (dialect, counted)
    assert never_tests(report) == never
    assert len(report.against) == len(against)
    assert all(any(words in each for each in report.against) for words in against)
    assert report.is_green == (counted[1:] == (0, 0) and not against)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "surefire.xml",
            {
                "line.island.HoldTest::holdExpires": "passed",
                "line.island.HoldTest::seatIsFreeAgain": "failed",
                "line.island.HoldTest::twoAtOnce": "passed",
                "line.island.HoldTest::clockStandsStill": "passed",
                "line.island.HoldTest::onAnotherSystem": "skipped",
            },
        ),
        (
            "cargo-nextest.xml",
            {
                "hold::expiry::a_hold_expires": "passed",
                "hold::expiry::a_seat_is_free": "failed",
                "hold::expiry::two_at_once": "passed",
                "hold::expiry::elsewhere": "skipped",
            },
        ),
        ("cut/node-same.xml", {"A::test::works": "failed", "B::test::works": "passed"}),
        (
            "vitest.xml",
            {
                "a.test.js::dup": "failed",
                "a.test.js::dup #2": "passed",
                "a.test.js::later": "skipped",
                "a.test.js::sk": "skipped",
                "a.test.js::Hold > works": "passed",
                "a.test.js::expected": "passed",
                "a.test.js::retry": "passed",
                "a.test.js::after > x": "passed",
                "a.test.js::after": "failed",
                "imp.test.js::imp.test.js": "failed",
            },
        ),
        (
            "nose2.xml",
            {
                "test_m.TestA::test_bad": "failed",
                "test_m.TestA::test_ok": "passed",
                "test_m.TestA::test_skip": "skipped",
                "test_m.TestA::test_subs": "failed",
                "test_m.TestA::test_subs2": "failed",
                "test_m.TestA::test_xfail": "skipped",
                "test_m.TestA::test_xsuccess": "skipped",
                "setUpClass (test_m.TestB)": "failed",
                "test_m.TestC::test_y": "passed",
                "tearDownClass (test_m.TestC)": "failed",
                "test_m.TestD::test_teardown": "failed",
                "nose2.loader.ModuleImportFailure::test_imp": "failed",
            },
        ),
        ("subtests.tap", {"foo::a": "passed", "foo::bar::deep": "failed", "2": "passed"}),
        (
            "busted.xml",
            {
                "spec/a_spec.lua::hold pass": "passed",
                "spec/a_spec.lua::hold fail": "failed",
                "spec/a_spec.lua::hold later": "skipped",
            },
        ),
        (
            "prove.xml",
            {
                "e_t::1 - fine": "passed",
                "e_t::2": "skipped",
                "e_t::3 - todo": "skipped",
                "f_t::1 - a": "passed",
                "f_t::2 - b": "failed",
                "p_t::1 - a": "passed",
                "p_t::2 - b": "passed",
            },
        ),
    ],
)
def test_tests_are_named_by_where_they_lie_and_what_they_are_called(name, expected):
    assert outcomes(sample(name)) == expected


@pytest.mark.parametrize(
    ("name", "test", "words"),
    [
        ("pytest.xml", "test_a_seat_is_free[aisle]", "AssertionError: assert 'held' == 'free'"),
        ("pytest-mixed.xml", "test_ansi", "AssertionError: red #x00"),
        ("surefire.xml", "seatIsFreeAgain", "expected: <FREE> but was: <HELD>"),
        ("surefire.xml", "twoAtOnce", "lock not available"),
        ("jest-suites.xml", "Hold frees the seat", "Error: expect(received).toBe(expected)"),
        ("go-junit-report.xml", "TestFrees", "Failed\nhold_test.go:21: seat is held, want free"),
        ("cargo-nextest.xml", "a_seat_is_free", "thread 'a_seat_is_free' panicked"),
        ("ctest.xml", "bad", "bad"),
        ("cucumber.xml", "undefined", "Given nothing"),
        ("subunit2junitxml.xml", "test_xsuccess", "unittest.case._UnexpectedSuccess"),
        ("cut/node-ansi.xml", "t", "red"),
        ("go-test.json", "TestFails/aisle", "hold_test.go:4: held"),
        ("node.tap", "top fails", "\\x1B[31mred"),
    ],
)
def test_the_words_of_a_failure_are_found_where_the_runner_puts_them(name, test, words):
    (result,) = [each for each in sample(name).results if each.name.endswith(f"::{test}")] or [
        each for each in sample(name).results if each.name == test
    ]
    assert result.message.startswith(words)


@pytest.mark.parametrize(
    ("name", "flaky"),
    [
        ("surefire.xml", {"twoAtOnce", "clockStandsStill"}),
        ("cargo-nextest.xml", {"two_at_once"}),
        ("pytest-reruns.xml", {"test_flaky"}),
        ("pytest-each.xml", set()),
        ("gotestsum-reruns.xml", {"TestFlaky"}),
        ("gotestsum-count.xml", set()),
        ("vitest.xml", set()),
    ],
)
def test_what_failed_at_first_and_passed_in_the_end_is_flaky(name, flaky):
    found = {each.name.rpartition("::")[2] for each in sample(name).results if each.flaky}
    assert found == flaky


@pytest.mark.parametrize(
    ("name", "milliseconds"),
    [
        ("pytest.xml", 15),
        ("surefire.xml", 1_201_500),
        ("go-junit-report.xml", 160),
        ("cargo-nextest.xml", 11),
    ],
)
def test_the_times_of_the_tests_are_added_up(name, milliseconds):
    assert sample(name).execution_time_ms == milliseconds
