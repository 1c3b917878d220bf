"""Reports of other kinds: recognised by what they are, and read or refused by name."""

import json

import pytest

from foreman_office.reports import Unreadable, read_report
from tests.reports.sample import counts, never_tests, outcomes

NUNIT_3 = """<?xml version="1.0"?>
<test-run id="0" name="hold.dll" result="Failed" total="4" passed="1" failed="2" skipped="1"
  start-time="2026-11-20 09:14:03Z" end-time="2026-11-20 09:14:09Z" duration="6">
 <test-suite type="Assembly" name="hold.dll" fullname="/work/hold.dll" result="Failed" site="Child">
  <failure><message>One or more child tests had errors</message></failure>
  <test-suite type="TestFixture" name="Hold" fullname="Hold.Tests" result="Failed" site="SetUp">
   <failure><message>OneTimeSetUp: no clock</message><stack-trace>at Hold</stack-trace></failure>
   <test-case id="1" name="Expires" fullname="Hold.Tests.Expires" result="Passed" duration="0.25"/>
   <test-case id="2" name="Frees(1)" fullname="Hold.Tests.Frees(1)" result="Failed" duration="1">
    <failure><message><![CDATA[Expected: free]]></message>
    <stack-trace>line 9</stack-trace></failure>
    <output>said</output>
   </test-case>
   <test-case name="Later" fullname="Hold.Tests.Later" result="Skipped" label="Ignored">
    <reason><message>later</message></reason></test-case>
   <test-case name="Two" fullname="Hold.Tests.Two" result="Failed" label="Error" site="Parent"/>
  </test-suite>
 </test-suite>
</test-run>"""
NUNIT_2 = """<test-results name="hold.dll" total="2" failures="1" not-run="1" date="2026-11-20"
 time="09:14:03"><test-suite name="hold" executed="True" success="False"><results>
 <test-case name="H.Expires" executed="True" success="True" time="0.5"/>
 <test-case name="H.Frees" executed="True" success="False"><failure><message>no</message></failure>
 </test-case><test-case name="H.Later" executed="False"><reason><message>x</message></reason>
 </test-case></results></test-suite></test-results>"""
XUNIT = """<assemblies timestamp="11/20/2026 09:14:03"><assembly name="/work/hold.dll"
 run-date="2026-11-20" run-time="09:14:03" time="1.5" total="3" passed="1" failed="1" skipped="1"
 errors="0"><errors/><collection name="c">
 <test name="Hold.Tests.Expires" type="Hold.Tests" method="Expires" time="0.25" result="Pass"/>
 <test name="a seat is free" type="Hold.Tests" method="Frees" time="0.5" result="Fail">
  <failure exception-type="X"><message><![CDATA[Expected: free]]></message>
  <stack-trace>line 9</stack-trace></failure></test>
 <test name="Hold.Tests.Later" type="Hold.Tests" method="Later" time="0" result="Skip">
  <reason>later</reason></test></collection></assembly></assemblies>"""
TRX = """<?xml version="1.0" encoding="UTF-8"?>
<TestRun id="1" name="run" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
 <Times creation="2026-11-20T09:14:00Z" finish="2026-11-20T10:14:09.5000000+01:00"/>
 <Results>
  <UnitTestResult testId="a" testName="Expires" outcome="Passed" duration="00:00:00.2500000"/>
  <UnitTestResult testId="b" testName="Hold.Tests.Frees" outcome="Failed" duration="00:01:00">
   <Output><StdOut>said</StdOut><ErrorInfo><Message>Expected: free</Message>
   <StackTrace>line 9</StackTrace></ErrorInfo></Output></UnitTestResult>
  <UnitTestResult testId="c" testName="Later" outcome="NotExecuted"/>
  <UnitTestResult testId="d" testName="Rows" outcome="Failed"><InnerResults>
   <UnitTestResult testId="d" testName="Rows (1)" outcome="Passed"/>
   <UnitTestResult testId="d" testName="Rows (2)" outcome="Failed"/></InnerResults>
  </UnitTestResult>
 </Results>
 <TestDefinitions>
  <UnitTest id="a"><TestMethod className="Hold.Tests" name="Expires"/></UnitTest>
  <UnitTest id="b"><TestMethod className="Hold.Tests, hold, Version=1.0" name="Frees"/></UnitTest>
  <UnitTest id="c"><TestMethod className="Hold.Tests" name="Later"/></UnitTest>
  <UnitTest id="d"><TestMethod className="Hold.Tests" name="Rows"/></UnitTest>
 </TestDefinitions>
 <ResultSummary outcome="Failed"><Counters total="5" executed="4" passed="2" failed="2"/>
 </ResultSummary></TestRun>"""
CTRF = {
    "results": {
        "tool": {"name": "jest"},
        "summary": {"tests": 4, "passed": 1, "failed": 1, "skipped": 1, "pending": 1, "other": 0,
                    "start": 1795166043000, "stop": 1795166049000},
        "tests": [
            {"name": "expires", "status": "passed", "duration": 250, "suite": "Hold > seat",
             "flaky": True},
            {"name": "frees", "status": "failed", "duration": 9, "suite": ["Hold"],
             "message": "no", "trace": "line 9", "filePath": "a.test.js"},
            {"name": "later", "status": "skipped", "duration": 0},
            {"name": "soon", "status": "pending", "duration": 0},
        ],
    }
}  # fmt: skip


def test_nunit_3_is_read():
    report = read_report(NUNIT_3.encode())

    assert (report.dialect, counts(report)) == ("NUnit", (1, 2, 1))
    assert outcomes(report)["Hold.Tests.Frees(1)"] == "failed"
    assert report.results[1].message == "Expected: free\nline 9"
    assert report.against == [
        "The suite itself failed: OneTimeSetUp: no clock at Hold (in “Hold.Tests”)."
    ]
    assert str(report.ended_at) == "2026-11-20 09:14:09+00:00"
    assert report.execution_time_ms == 1250


def test_nunit_2_is_read():
    report = read_report(NUNIT_2.encode())

    assert (counts(report), report.against, report.zone_known) == ((1, 1, 1), [], False)
    assert outcomes(report) == {"H.Expires": "passed", "H.Frees": "failed", "H.Later": "skipped"}


def test_xunit_is_read():
    report = read_report(XUNIT.encode())

    assert (report.dialect, counts(report), report.against) == ("xUnit.net", (1, 1, 1), [])
    assert outcomes(report)["Hold.Tests.a seat is free"] == "failed"
    assert report.results[1].message == "Expected: free\nline 9"
    assert (str(report.ended_at)[:21], report.zone_known) == ("2026-11-20 09:14:04.5", False)


def test_a_cleanup_of_xunit_that_broke_speaks_against_the_run():
    failure = "<failure><message>x</message></failure>"
    error = f'<errors><error type="assembly-cleanup">{failure}</error></errors>'
    report = read_report(XUNIT.replace("<errors/>", error).encode())
    assert report.against == ["The suite itself failed: assembly-cleanup: x."]


def test_trx_is_read():
    report = read_report(TRX.encode())

    assert (report.dialect, counts(report), report.against) == ("TRX", (2, 2, 1), [])
    assert set(outcomes(report)) == {
        *("Hold.Tests.Expires", "Hold.Tests.Frees", "Hold.Tests.Later"),
        *("Hold.Tests.Rows (1)", "Hold.Tests.Rows (2)"),
    }
    assert report.results[1].message == "Expected: free\nline 9"
    assert (str(report.ended_at), report.zone_known) == ("2026-11-20 09:14:09.500000+00:00", True)
    assert report.execution_time_ms == 60_250


PASSING = {'result="Failed"': 'result="Passed"', 'result="Fail"': 'result="Pass"',
           'outcome="Failed"': 'outcome="Passed"', "<failure": "<reason",
           "</failure": "</reason"}  # fmt: skip


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (NUNIT_3, '<test-run id="0" name="hold.dll" result="Failed"'),
        (XUNIT, 'failed="1"'),
        (TRX, '<ResultSummary outcome="Failed"'),
    ],
)
def test_what_a_run_says_of_itself_counts_where_no_test_has_failed(report, said):
    passing = report
    for bad, good in PASSING.items():
        passing = passing.replace(bad, good)
    denied = said
    for bad, good in PASSING.items():
        denied = denied.replace(bad, good)
    found = read_report(passing.replace(denied, said).encode())

    assert found.failing == 0
    assert found.against
    assert not found.is_green


def test_ctrf_is_read():
    report = read_report(json.dumps(CTRF).encode())

    assert (report.dialect, counts(report), report.against) == ("CTRF of jest", (1, 1, 2), [])
    assert outcomes(report) == {
        "Hold > seat::expires": "passed",
        "a.test.js::Hold::frees": "failed",
        "later": "skipped",
        "soon": "skipped",
    }
    assert report.results[0].flaky
    assert report.results[1].message == "no\nline 9"
    assert (str(report.ended_at), report.zone_known) == ("2026-11-20 09:14:09+00:00", True)


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ({"tests": 1, "failed": 1}, "it declares 1 failed test and holds none"),
        ({"tests": 1, "skipped": 1}, "it declares 1 skipped test"),
        ({"tests": 3}, "Only 1 of the 3 declared tests are written."),
    ],
)
def test_a_summary_of_ctrf_is_not_believed_upwards(summary, words):
    tests = [{"name": "a", "status": "passed", "duration": 1}]
    report = read_report(json.dumps({"results": {"summary": summary, "tests": tests}}).encode())

    assert words in report.against[0]
    assert not report.is_green


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ([{"name": "a"}], "“results.tests.0” needs a name and a status"),
        ([{"name": "a", "status": "mauve"}], "“results.tests.0.status” is “mauve”"),
        (["a"], "is not a list of tests"),
        ({}, "is not a list of tests"),
    ],
)
def test_what_ctrf_lacks_is_named(tests, words):
    with pytest.raises(Unreadable, match=words):
        read_report(json.dumps({"results": {"summary": {}, "tests": tests}}).encode())


@pytest.mark.parametrize(
    ("text", "expected", "against"),
    [
        ("TAP version 14\n1..2\nok 1 - a\nok 2 - b\n", (2, 0, 0), ""),
        ("1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP later\n", (1, 1, 1), ""),
        ("1..2\nnot ok 1 - a # TODO soon\nok 2 - b # TODO soon\n", (1, 0, 1), ""),
        ("1..3\nok 1 - a\nok 2 - b\n", (2, 0, 0), "3 tests were planned and 2 are written"),
        ("ok 1 - a\n", (1, 0, 0), "no plan says how many there are"),
        ("1..0 # SKIP no network\n", (0, 0, 0), "The whole was skipped: no network."),
        (
            "1..2\nok 1 - a\nBail out! no clock\n",
            (1, 0, 0),
            "The run was aborted: no clock.",
        ),
        ("ok 1 - a\n1..1\n# fail 1\n", (1, 0, 0), "“fail 1”"),
        (
            "1..2\nok 1 - a\nok 2 - b\n# Looks like you failed 1 test of 2.\n",
            (2, 0, 0),
            "“Looks like you failed 1 test of 2”",
        ),
        (
            "1..1\nok 1 - a\n# Looks like your test exited with 3 just after 1.\n",
            (1, 0, 0),
            "“Looks like your test exited with 3 just after 1”",
        ),
        ("1..2\nok 1 - a\nnot ok 2 - b\n# Looks like you failed 1 test of 2.\n", (1, 1, 0), ""),
    ],
)
def test_tap_is_read(text, expected, against):
    report = read_report(text.encode())

    assert (report.dialect, counts(report)) == ("TAP", expected)
    assert bool(report.against) == bool(against)
    assert against in " ".join(report.against)


def test_the_number_of_a_test_of_tap_is_not_its_name():
    report = read_report(b"1..3\nok 1 - a\nok 2 b\nok 3\n")
    assert list(outcomes(report)) == ["a", "b", "3"]


def test_the_words_of_tap_are_kept_for_what_failed():
    report = read_report(
        b"1..2\nnot ok 1 - a\n  ---\n  message: 'no seat'\n  duration_ms: 250\n  at: x\n  ...\n"
        b"not ok 2 - b\n# one\n# two\n"
    )
    assert [each.message for each in report.results] == ["no seat\nat: x", "one\ntwo"]
    assert report.execution_time_ms == 250


def test_a_test_of_go_that_began_and_did_not_end_has_failed():
    report = read_report(
        b'{"Action":"run","Package":"p","Test":"TestA"}\n'
        b'{"Action":"output","Package":"p","Test":"TestA","Output":"panic: no\\n"}\n'
        b'{"Action":"fail","Package":"p"}\n'
    )
    assert (counts(report), report.against) == ((0, 1, 0), [])
    assert report.results[0].message == "panic: no"


def test_a_build_of_go_that_failed_speaks_against_the_run():
    report = read_report(
        b'{"ImportPath":"p [p.test]","Action":"build-output","Output":"undefined: x\\n"}\n'
        b'{"ImportPath":"p [p.test]","Action":"build-fail"}\n'
        b'{"Action":"pass","Package":"q","Test":"TestA"}\n'
    )
    assert (counts(report), len(report.against)) == ((1, 0, 0), 1)
    assert "p itself failed" in report.against[0]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<!DOCTYPE html><html></html>", "an HTML page"),
        (b"<html/>", "an HTML page"),
        (b"<robot/>", "Run robot with --xunit"),
        (b"<testng-results/>", "junitreports"),
        (b"<Site/>", "--output-junit"),
        (b"<checkstyle/>", "a Checkstyle report"),
        (b"<coverage/>", "a coverage report"),
        (b"<TestLog/>", "Boost.Test"),
        (b"<Catch2TestRun/>", "Catch2"),
        (b"<TestRun xmlns='urn:other'/>", "which is no test report"),
        (b"<suites/>", "begins with <suites>"),
        (b'{"numTotalTests": 1, "testResults": []}', "Jest's or Vitest's JSON"),
        (b'{"stats": {}, "tests": [], "passes": []}', "Mocha's JSON"),
        (b'{"config": {}, "suites": [], "stats": {}}', "Playwright's JSON"),
        (b'{"examples": [], "summary_line": ""}', "RSpec's JSON"),
        (b'[{"filePath": "x", "messages": []}]', "ESLint's JSON"),
        (b'{"version": "2.1.0", "runs": []}', "SARIF"),
        (b'{"type": "suite", "event": "started"}\n{"type": "test", "event": "ok"}', "libtest"),
        (b'{"stats": {}, "results": [], "meta": {}}', "a Mochawesome report. Run mocha with"),
        (b'{"stats": {}, "results": []}', "a Mochawesome report. Run mocha with"),
        (b'["start", {"total": 2}]\n["end", {}]', "Mocha's JSON"),
        (b'{"exitcode": 1, "summary": {}, "tests": []}', "Run pytest with --junit-xml=FILE"),
        (b'{"$report_type": "SessionStart"}\n{"x": 1}', "Run pytest with --junit-xml=FILE"),
        (b'[{"uri": "a.feature", "elements": []}]', "Cucumber's JSON. Run it with its formatter"),
        (b'{"meta": {"protocolVersion": "22"}}\n{"source": {}}', "Cucumber's messages"),
        (
            b'[{"keyword": "Feature", "location": "a:1", "status": "passed"}]',
            "Run behave with --junit",
        ),
        (b'{"uuid": "x", "historyId": "x", "status": "passed"}', "an Allure result"),
        (b'{"uuid": "x", "children": []}', "an Allure container"),
        (b'{"capabilities": {}, "specs": []}', "@wdio/junit-reporter"),
        (b'{"generator": "Robot 7.5", "suite": {}}', "Run robot with --xunit"),
        (b'[{"SuitePath": "/x", "SpecReports": null}]', "Run ginkgo with --junit-report=FILE"),
        (b'{"testsuites": {"testsuite": []}}', "Send the XML itself"),
        (b'[{"message-id": "C0114", "module": "m"}]', "pylint's JSON"),
        (b'{"file": "a", "hint": null, "severity": "error"}', "mypy's JSON"),
        (b'{"total": {"lines": {}, "statements": {}}}', "a coverage report"),
        (b'{"colour": "mauve"}', "JSON of no kind"),
        (b"[]", "JSON of no kind"),
        (b"[[[]]]", "JSON of no kind"),
        (b"=== RUN   TestA\n--- PASS", "go test -json"),
        (b"===== test session starts =====\n", "what pytest prints"),
        (b"\xb3)\x01", "subunit2junitxml"),
        (b"\x1f\x8b\x08", "packed by gzip"),
        (b"PK\x03\x04", "a zip archive"),
        (b"some words", "no kind that is known"),
        (b"An error\n<?xml version='1.0'?><testsuite/>", "other text before its XML"),
    ],
)
def test_what_is_not_read_is_refused_by_its_name_with_the_way_out(data, name):
    with pytest.raises(Unreadable, match=r"^The report .*\.$") as refused:
        read_report(data)
    assert name in str(refused.value)


def test_a_cleanup_in_trx_is_no_test():
    name = "[Test Class Cleanup Failure (Hold.Tests)]"
    report = read_report(TRX.replace('testName="Later" outcome="NotExecuted"',
                              f'testName="{name}" outcome="Failed"').encode())  # fmt: skip
    assert len(never_tests(report)) == 1
