"""Runs of a suite that a builder reports: in counts, by name, or in the words of its runner."""

import json
from pathlib import Path

import pytest

from governance.models import Evidence, QAExecution, QATestResult
from tests.api.caller import IN_REAL_TIME, TESTS, run_of
from tests.api.refusals import said

pytestmark = IN_REAL_TIME

REPORTS = Path(__file__).parent.parent / "reports" / "data"


def test_a_run_is_stored_with_the_status_that_its_counts_say(caller, held):
    answer = caller.post("qa-runs", held, run_of(TESTS[:1], execution_time_ms=12))
    assert answer.status_code == 201, answer.content
    run = QAExecution.objects.get(pk=answer.json()["execution_id"])
    assert (run.qa_status, run.passing_tests, run.total_tests) == ("PARTIAL", 1, 3)
    assert (run.qa_suite_location, run.execution_time_ms) == ("tests/escalation/", 12)
    assert run.results.count() == 3
    evidence = Evidence.objects.of(held).get(
        action="qa_run_recorded", context__to__isnull=True, actor="ui-builder"
    )
    assert evidence.backend


def test_a_run_is_answered_with_what_changed_since_the_one_before(caller, held):
    caller.post("qa-runs", held, run_of([TESTS[0]]))
    answer = caller.post("qa-runs", held, run_of([TESTS[1]])).json()
    assert answer["changes"]["named"] is True
    assert answer["changes"]["before"]["passing_tests"] == 1
    assert answer["changes"]["newly_failing"] == [TESTS[0]]
    assert answer["changes"]["fixed"] == [TESTS[1]]
    assert answer["changes"]["still_failing"] == [TESTS[2]]
    assert answer["changes"]["first_failure"] == {
        "name": TESTS[0],
        "message": f"{TESTS[0]}: not yet",
    }
    gone = {"passing": 1, "failing": 0, "tests": [{"name": TESTS[0], "outcome": "passed"}]}
    answer = caller.post("qa-runs", held, gone).json()
    assert answer["changes"]["removed"] == answer["changes"]["vanished"] == TESTS[1:]


def test_a_run_in_bare_counts_is_taken_and_not_compared(caller, held):
    answer = caller.post("qa-runs", held, {"passing": 2, "failing": 0, "test_debt_count": 1})
    assert (answer.status_code, answer.json()["qa_status"]) == (201, "PARTIAL")
    assert answer.json()["changes"]["named"] is False


@pytest.mark.parametrize("media", ["application/xml", "text/xml", "application/xml; charset=utf-8"])
def test_a_junit_report_is_taken_as_it_is(caller, held, media):
    report = (REPORTS / "pytest.xml").read_bytes()
    answer = caller.post("qa-runs", held, report, content_type=media)
    assert answer.status_code == 201, answer.content
    counts = ("total_tests", "passing_tests", "failing_tests", "skipped_tests")
    assert [answer.json()[count] for count in counts] == [5, 2, 2, 1]


def test_a_junit_report_is_told_its_test_debt_beside_it(caller, held):
    report = b'<testsuite><testcase name="a"/></testsuite>'
    answer = caller.post(
        "qa-runs?test_debt_count=2", held, report, content_type="application/xml"
    ).json()
    assert (answer["test_debt_count"], answer["qa_status"]) == (2, "PARTIAL")


@pytest.mark.parametrize(
    ("report", "media", "counts"),
    [
        ("node.xml", "text/xml", (7, 3, 3)),
        ("bats.tap", "text/plain", (1, 2, 1)),
        ("go-test.json", "text/plain", (3, 3, 1)),
        ("go-test.json", "application/json", (3, 3, 1)),
    ],
)
def test_reports_of_other_kinds_are_taken_as_they_are(caller, held, report, media, counts):
    answer = caller.post("qa-runs", held, (REPORTS / report).read_bytes(), content_type=media)
    assert answer.status_code == 201, answer.content
    names = ("passing_tests", "failing_tests", "skipped_tests")
    assert tuple(answer.json()[name] for name in names) == counts


def test_a_report_in_json_is_told_from_counts(caller, held):
    tests = [{"name": "a", "status": "failed", "duration": 1}]
    body = {"results": {"tool": {"name": "jest"}, "summary": {"tests": 1}, "tests": tests}}
    assert caller.post("qa-runs", held, body).json()["failing_tests"] == 1
    answer = caller.post("qa-runs", held, {"numTotalTests": 1, "testResults": []})
    assert (answer.status_code, said(answer)) == (422, [("body", "report")])
    assert "jest-junit" in answer.json()["errors"][0]["message"]


def test_json_that_is_neither_a_known_report_nor_counts_is_told_what_may_be_sent(caller, held):
    for body in ({"passed": 2, "failed": 0}, {"tests": [], "duration": 3}, [], [{"ok": True}]):
        answer = caller.post("qa-runs", held, body)
        assert (answer.status_code, said(answer)) == (422, [("body", "report")])
        assert "or counts as passing and failing" in answer.json()["errors"][0]["message"]
    for lines in (
        b'{"type": "suite", "event": "ok"}\n{"type": "test"}',
        b'["start"]\n["end"]',
    ):
        answer = caller.post("qa-runs", held, lines)
        assert (answer.status_code, said(answer)) == (422, [("body", "report")])
    for body in ({}, {"skipped": 1}, {"passing": 1}):
        answer = caller.post("qa-runs", held, body)
        assert ("failing", "missing") in said(answer)


PASSING = b'<testcase name="a"/><testcase name="b"/>'

IMPORT_ERROR = b'<testsuite name="s">%b<error message="ImportError: lamp"/></testsuite>' % PASSING


@pytest.mark.parametrize(
    ("path", "body", "media"),
    [
        ("qa-runs", IMPORT_ERROR, "application/xml"),
        ("qa-runs?exit_code=1", b"<testsuite>%b</testsuite>" % PASSING, "application/xml"),
        ("qa-runs", {"passing": 2, "failing": 0, "exit_code": 2}, "application/json"),
        ("qa-runs", {"passing": 2, "failing": 0, "suite_failed": "no lamp"}, "application/json"),
        ("qa-runs?exit_code=1", {"passing": 2, "failing": 0}, "application/json"),
    ],
)
def test_a_run_with_something_against_it_is_never_green(caller, held, path, body, media):
    caller.post(path, held, body, content_type=media)
    assert not QAExecution.objects.filter(qa_status="GREEN").exists()


def test_the_answer_says_what_speaks_against_a_run(caller, held):
    report = IMPORT_ERROR.replace(b'name="a"/>', b'name="a"><failure/></testcase>', 1)
    answer = caller.post("qa-runs?exit_code=1", held, report, content_type="text/xml").json()
    assert answer["qa_status"] == "PARTIAL"
    assert (answer["passing_tests"], answer["failing_tests"]) == (1, 1)
    assert answer["against"] == [
        "The suite itself failed: ImportError: lamp (in “s”).",
        "The runner ended with exit code 1.",
    ]


@pytest.mark.parametrize(("lint", "names"), [("one", {"lint"}), ("rule-file", {"ruff"})])
def test_a_linters_run_is_counted_as_asked(caller, held, lint, names):
    report = (REPORTS / "ruff-clean.xml").read_bytes()
    answer = caller.post(f"qa-runs?lint={lint}", held, report, content_type="text/xml").json()
    assert answer["qa_status"] == "GREEN"
    run = QAExecution.objects.get(pk=answer["execution_id"])
    assert {test.name for test in run.results.all()} == names


@pytest.mark.parametrize(
    ("query", "field"), [("exit_code=x", "exit_code"), ("lint=two", "lint"), ("lint=", "lint")]
)
def test_what_is_asked_of_a_report_is_checked(caller, held, query, field):
    report = b'<testsuite><testcase name="a"/></testsuite>'
    answer = caller.post(f"qa-runs?{query}", held, report, content_type="text/xml")
    assert answer.status_code == 422
    assert [name for name, _ in said(answer)] == [field]
    assert QAExecution.objects.count() == 1


def test_events_of_go_are_taken_as_what_they_are_called(caller, held):
    actions = [{"Action": action, "Test": "TestA"} for action in ("run", "pass")]
    actions.append({"Action": "pass"})
    events = "\n".join(json.dumps({"Package": "p", **action}) for action in actions).encode()
    answer = caller.post("qa-runs", held, events, content_type="application/x-ndjson")
    assert (answer.status_code, answer.json()["passing_tests"]) == (201, 1)


def test_a_name_may_have_as_many_bytes_as_an_index_takes_whatever_its_characters(caller, held):
    for name, status in (("x" * 2_000, 201), ("路" * 666, 201), ("x" * 2_001, 422), ("", 422)):
        body = {"passing": 1, "failing": 0, "tests": [{"name": name, "outcome": "passed"}]}
        answer = caller.post("qa-runs", held, body)
        assert answer.status_code == status
        assert status == 201 or said(answer)[0][0] == "tests.0.name"


def test_a_name_that_no_index_takes_is_refused_at_the_field_and_shortened_in_a_report(caller, held):
    name = "路" * 900
    body = {"passing": 1, "failing": 0, "tests": [{"name": name, "outcome": "passed"}]}
    answer = caller.post("qa-runs", held, body)
    assert (answer.status_code, said(answer)) == (
        422,
        [("tests.0.name", "string_too_many_bytes")],
    )
    report = f'<testsuite><testcase name="{name}"/></testsuite>'.encode()
    answer = caller.post("qa-runs", held, report, content_type="text/xml")
    assert answer.status_code == 201
    stored = QATestResult.objects.get(execution=answer.json()["execution_id"]).name
    assert stored.startswith("路" * 600)
    assert len(stored.encode()) <= 2_000


def test_three_runs_without_progress_hold_the_task_up_and_the_answer_says_so(caller, held):
    caller.beat(held)
    states = [
        caller.post("qa-runs", held, run_of([TESTS[0]])).json()["task_state"] for _ in range(3)
    ]
    assert states == ["in-progress", "in-progress", "blocked"]


CONTRADICTIONS = [
    ({"passing": 1}, [("failing", "missing")]),
    ({"passing": -1, "failing": 0}, [("passing", "greater_than_equal")]),
    ({"passing": 2**31, "failing": 0}, [("passing", "less_than_equal")]),
    ({"passing": True, "failing": 0}, [("passing", "int_type")]),
    ({"passing": 1, "failing": 0, "qa_status": "GREEN"}, [("qa_status", "extra_forbidden")]),
    ({**run_of([]), "passing": 3}, [("body", "counts_agree")]),
    (
        {"passing": 2, "failing": 0, "tests": [{"name": "a", "outcome": "passed"}] * 2},
        [("body", "tests_named_once")],
    ),
    (
        {"passing": 1, "failing": 0, "tests": [{"name": "a\0", "outcome": "passed"}]},
        [("tests.0.name", "no_nul")],
    ),
    (
        {"passing": 1, "failing": 0, "tests": [{"name": "a", "outcome": "fine"}]},
        [("tests.0.outcome", "enum")],
    ),
    (
        {"passing": 1, "failing": 0, "tests": [{"name": "\ud800", "outcome": "passed"}]},
        [("tests.0.name", "string_unicode")],
    ),
]


def test_a_run_that_contradicts_itself_is_refused(caller, held, subtests):
    for body, refusals in CONTRADICTIONS:
        with subtests.test(refusals=refusals):
            answer = caller.post("qa-runs", held, body)
            assert (answer.status_code, said(answer)) == (422, refusals)
            assert QAExecution.objects.count() == 1


BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
<testsuite><testcase name="&lol2;"/></testsuite>"""

UNREADABLE = [
    b"{}",
    b"<html/>",
    b"<testsuite>",
    BILLION_LAUGHS,
    b"<testsuite>" * 40 + b"</testsuite>" * 40,
    b'<?xml version="1.0" encoding="shift_jis"?><testsuite/>',
    b'<?xml version="1.0"?><testsuite name="\xff"/>',
]


def test_a_report_that_cannot_be_read_is_refused_in_a_sentence(caller, held, subtests):
    for report in UNREADABLE:
        with subtests.test(report=report[:60]):
            answer = caller.post("qa-runs", held, report, content_type="application/xml")
            assert (answer.status_code, said(answer)) == (422, [("body", "junit_xml")])
            assert answer.json()["errors"][0]["message"].startswith("The report")
            assert QAExecution.objects.count() == 1
