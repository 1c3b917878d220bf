"""A linter's run: one test for each rule and file, or one in all, so that it can become green."""

import pytest

from foreman_office.reports import Lint, read_report
from tests.reports.sample import counts, junit, outcomes, sample


@pytest.mark.parametrize(
    ("name", "linter", "expected"),
    [
        ("ruff.xml", "ruff", {"a.py::I001", "a.py::F401", "a.py::F821", "b.py::F401"}),
        ("eslint.xml", "eslint", {"x.js::no-unused-vars", "x.js::no-undef", "y.js::no-undef"}),
        ("stylelint.xml", "stylelint", {"x.css::block-no-empty", "x.css::color-no-invalid-hex"}),
        (
            "pylint.xml",
            "pylint",
            {"a.py::missing-module-docstring", "a.py::undefined-variable", "a.py::unused-import"},
        ),
    ],
)
def test_each_rule_and_file_with_findings_is_a_failing_test_and_no_goalpost(name, linter, expected):
    report = sample(name)
    failed = {each.name.rpartition("/")[2] for each in report.results if each.outcome == "failed"}

    assert (report.dialect, failed) == (linter, expected)
    assert not any(each.is_test for each in report.results)
    assert report.failing == len(expected)


@pytest.mark.parametrize("name", ["ruff.xml", "eslint.xml", "stylelint.xml", "pylint.xml"])
def test_all_findings_may_be_one_test_that_bears_one_name_for_ever(name):
    report = sample(name, lint=Lint.ONE)

    assert outcomes(report) == {"lint": "failed"}
    assert report.results[0].is_test
    assert report.results[0].message
    assert outcomes(sample("ruff-clean.xml", lint=Lint.ONE)) == {"lint": "passed"}


def test_a_clean_run_is_green():
    assert sample("ruff-clean.xml").is_green
    assert sample("ruff-clean.xml", lint=Lint.ONE).is_green


def test_the_places_of_findings_do_not_name_them():
    finding = '<testcase name="errcheck" classname="a/b.go:{}:3"><failure message="no"/></testcase>'
    report = junit(f'<testsuite name="a/b.go">{finding.format(12)}{finding.format(40)}</testsuite>')
    assert outcomes(report) == {"a/b.go::errcheck": "failed"}
    assert report.results[0].message == "no\nno"


@pytest.mark.parametrize("lint", Lint)
def test_a_linter_that_found_nothing_and_wrote_nothing_is_green_where_it_is_called_one(lint):
    assert read_report(b"<testsuites></testsuites>", lint=lint).is_green
    assert not read_report(b"<testsuites></testsuites>").is_green
    assert not read_report(b'<testsuites errors="1"></testsuites>', lint=lint).is_green
    assert not read_report(b"<testsuites></testsuites>", lint=lint, exit_code=2).is_green


def test_a_linter_that_is_not_known_may_be_called_one():
    report = junit('<testsuite name="a.c"><testcase name="r1"><failure/></testcase></testsuite>')
    called = read_report(
        b'<testsuite name="a.c"><testcase name="r1"><failure/></testcase></testsuite>',
        lint=Lint.RULE_FILE,
    )
    assert [each.is_test for each in (*report.results, *called.results)] == [True, False]
    assert counts(called) == (0, 1, 0)
