"""What speaks against a run beside its tests: it is said in sentences, and no such run is green."""

import pytest

from foreman_office.reports import read_report
from tests.reports.sample import case, counts, junit, suite

PASSING = case("a") + case("b")


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (
            suite(PASSING + '<error message="ImportError: cannot import lamp.fuse"/>'),
            "The suite itself failed: ImportError: cannot import lamp.fuse (in “s”).",
        ),
        (suite(PASSING + "<failure>no plan</failure>"), "no plan (in “s”)"),
        (suite(PASSING + '<error type="SyntaxError"/>'), "SyntaxError (in “s”)"),
        (suite(PASSING + "<error/>"), "it does not say why (in “s”)"),
        (suite(PASSING + "<system-err>boom</system-err><error/>"), "boom (in “s”)"),
        (
            suite(PASSING) + suite("<system-err>SyntaxError</system-err>", "x", 'errors="1"'),
            "The suite itself failed: SyntaxError (it declares 1 error and holds no failing test)"
            " (in “x”).",
        ),
        (
            suite(PASSING, more='failures="2"'),
            "it declares 2 failures and holds no failing test (in “s”)",
        ),
        (suite(PASSING) + "<error message='no worker'/>", "The run itself failed: no worker."),
        (suite(suite(PASSING + "<error/>", "inner"), "outer", 'errors="1"'), "(in “inner”)"),
        (suite(PASSING, more='status="failed"'), "it has the status “failed” (in “s”)"),
        (suite(PASSING, more='result="FAILURE"'), "it has the result “FAILURE” (in “s”)"),
        (suite(PASSING, more='skipped="1"'), "it declares 1 skipped test and writes none"),
        (suite(PASSING, more='skip="1"'), "it declares 1 skipped test and writes none"),
        (suite(PASSING + "<skipped message='later'/>"), "The suite itself was skipped: later"),
        (suite(PASSING, more='tests="40"'), "Only 2 of the 40 declared tests in “s” are written."),
        (suite(PASSING) + "<!-- fail 1 -->", "The runner ends with “fail 1”"),
        (suite(PASSING) + "<!-- cancelled 2 -->", "The runner ends with “cancelled 2”"),
        (suite(PASSING) + "<!-- skipped 1 -->", "“skipped 1”, and writes none"),
        (suite(PASSING) + "<!-- exit code 3 -->", "“exit code 3”"),
    ],
)
def test_a_run_with_something_against_it_is_not_green_and_keeps_its_counts(report, words):
    read_report = junit(report)

    assert counts(read_report) == (2, 0, 0)
    assert not read_report.is_green
    (sentence,) = read_report.against
    assert words in sentence
    assert sentence.endswith(".")


def test_what_the_root_says_of_failures_that_no_test_holds_is_believed():
    for root in ("testsuites", "testsuite"):
        report = read_report(f'<{root} errors="1">{PASSING}</{root}>'.encode())
        assert len(report.against) == 1
        assert not report.is_green


@pytest.mark.parametrize(
    "report",
    [
        suite(PASSING, more='tests="2" failures="0" errors="0" skipped="0" disabled="0"'),
        suite(PASSING, more='tests="2" skipped="-1"'),  # mocha, of hooks
        suite(PASSING, more='tests="1"'),
        suite(PASSING, more='tests="many" failures="" errors="none"'),
        suite(PASSING) + "<!-- pass 2 --><!-- fail 0 --><!-- a test may fail 1 time -->",
        suite(PASSING + "<system-err>Error: a word of it</system-err>"),
        suite(PASSING, more='status="passed" result="completed"'),
        suite(suite(PASSING, "inner", 'tests="2"'), "outer", 'tests="2"'),
    ],
)
def test_a_runner_that_is_content_has_nothing_said_against_it(report):
    assert junit(report).against == []
    assert junit(report).is_green


def test_what_is_said_twice_is_said_once_where_it_lies():
    inner = suite("<error message='no'/>", "inner", 'errors="1"')
    report = junit(suite(inner, "outer", 'errors="1"'))

    assert report.against == ["The suite itself failed: no (in “inner”)."]


def test_a_failing_test_answers_for_what_its_suite_declares():
    report = junit(suite(case("a", "<failure/>"), more='tests="1" failures="1" errors="1"'))

    assert (counts(report), report.against) == ((0, 1, 0), [])


def test_a_test_that_failed_as_expected_answers_for_the_failure_that_its_suite_declares():
    report = junit(suite(case("a", "<skipped/><failure/>"), more='failures="1" skipped="1"'))

    assert (counts(report), report.against) == ((0, 0, 1), [])


def test_totals_are_never_believed_upwards():
    report = junit(suite(case("a", "<failure/>"), more='tests="900" failures="0"'))

    assert counts(report) == (0, 1, 0)


@pytest.mark.parametrize("key", ["tests", "failures", "errors", "skipped"])
def test_a_total_that_is_no_number_is_named_and_none_above_zero_is_overlooked(key):
    for written in ("one", "0x2", "nan", "-1", "-0.5"):
        for root in ("testsuites", "testsuite"):
            told = read_report(f'<{root} name="s" {key}="{written}">{PASSING}</{root}>'.encode())
            assert (counts(told), told.against) == ((2, 0, 0), [])
            assert told.remarks == [
                f'<{root} name="s"> has {key}="{written}", which is no number of tests.'
            ]
    for written in ("2.5", "9" * 40, "1e30", "inf"):
        told = junit(suite(PASSING, more=f'{key}="{written}"'))
        assert not told.is_green
        assert told.remarks == [
            f'<testsuite name="s"> has {key}="{written}", which is no number of tests.'
        ]
    for written in ("", "0", "none", "0.0"):
        assert junit(suite(PASSING, more=f'{key}="{written}"')).remarks == []


@pytest.mark.parametrize(
    ("report", "where"),
    [
        (
            '<test-run result="Passed" failed="one">'
            '<test-case fullname="a" result="Passed"/></test-run>',
            '<test-run> has failed="one"',
        ),
        (
            '<assemblies><assembly errors="one"><collection><test name="a" result="Pass"/>'
            "</collection></assembly></assemblies>",
            '<assembly> has errors="one"',
        ),
        (
            '<TestRun><Results><UnitTestResult testName="a" outcome="Passed"/></Results>'
            '<ResultSummary outcome="Completed"><Counters failed="one"/></ResultSummary></TestRun>',
            '<counters> has failed="one"',
        ),
        (
            '{"results": {"summary": {"failed": "one"},'
            ' "tests": [{"name": "a", "status": "passed"}]}}',
            "“results.summary.failed” is one",
        ),
    ],
)
def test_a_total_that_is_no_number_is_named_in_every_kind_of_report(report, where):
    assert read_report(report.encode()).remarks == [f"{where}, which is no number of tests."]


@pytest.mark.parametrize(
    "report",
    [
        suite(PASSING, "pytest", 'tests="5"'),
        suite(PASSING, more='tests="5" doctest_version="2.4.9"'),
        suite(PASSING, more='tests="5"') + suite(PASSING, "t", 'tests="1"'),
    ],
)
def test_more_declared_than_written_is_a_remark_where_totals_are_not_exact(report):
    found = junit(report)

    assert (found.against, found.is_green) == ([], True)
    assert found.remarks[0].startswith("Only 2 of the 5 declared tests")


def test_an_exit_code_other_than_0_speaks_against_the_run():
    report = junit(suite(PASSING), exit_code=1)

    assert report.against == ["The runner ended with exit code 1."]
    assert (counts(report), report.exit_code, report.is_green) == ((2, 0, 0), 1, False)
    assert junit(suite(PASSING), exit_code=0).is_green
    assert junit(suite(PASSING), exit_code=-9).against


def test_masses_of_sentences_are_cut():
    report = junit("".join(suite("<error/>", f"s{number}") for number in range(500)))

    assert len(report.against) == 20
    assert report.against[-1] == "And 481 more of this kind."
    long = junit(suite(f"<error message='{'x' * 5000}'/>"))
    assert len(long.against[0]) < 1000


def test_no_tests_at_all_are_no_green_run():
    assert not junit("").is_green
    assert not junit(suite()).is_green
