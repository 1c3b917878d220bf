"""What builders ask and tell about the task in their hands, as they do: over HTTP."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from builders.actions import assign_task, issue_token
from builders.idempotency import prune_idempotency_keys
from builders.models import IdempotencyKey
from governance.actions import record_qa_execution, record_validation, resolve_blocker
from governance.junit import MAX_BYTES, Result
from governance.models import (
    ArchitectureValidation,
    Blocker,
    CompletionClaim,
    Evidence,
    QAExecution,
    QATestResult,
)
from programs.models import State, Task
from tests.factories import BuilderFactory, TaskFactory

# The office tells runs and beats apart by their times, and one transaction has only one time.
pytestmark = pytest.mark.django_db(transaction=True)

REPORTS = Path(__file__).with_name("junit")
TESTS = ["test_a_hold_expires", "test_a_seat_is_free", "test_two_at_once"]
NOBODY = "00000000-0000-0000-0000-000000000000"


def outcomes(passing, skipped=(), of=TESTS):
    return [
        Result(
            name,
            QATestResult.Outcome.SKIPPED
            if name in skipped
            else QATestResult.Outcome.PASSED
            if name in passing
            else QATestResult.Outcome.FAILED,
        )
        for name in of
    ]


def run_of(passing, **more):
    """Say in JSON how the suite ran: the tests named in `passing` pass, the others fail."""
    tests = [
        {"name": name, "outcome": "passed"}
        if name in passing
        else {"name": name, "outcome": "failed", "message": f"{name}: not yet"}
        for name in TESTS
    ]
    return {"passing": len(passing), "failing": len(TESTS) - len(passing), "tests": tests, **more}


def made_ready(task, builder):
    """Take a task to where a builder may be given it, and give it."""
    record_validation(task, validation_results={"interfaces": {"named": True}}, by=None)
    record_qa_execution(task, passing=0, failing=3, results=outcomes([]), by=None)
    return assign_task(task, builder, by=None)


@pytest.fixture
def held(task, builder):
    return made_ready(task, builder)


class Caller:
    """A builder at the other end of the line."""

    def __init__(self, builder):
        self.name = builder.pk
        self.token = issue_token(builder, by=None)[1]

    def ask(self, method, path, body=b"", content_type="application/json", key=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Client().generic(
            method, f"/api/{path}", content, content_type=content_type, headers=headers
        )

    def get(self):
        return self.ask("GET", "assignment").json()["task"]

    def beat(self, task, **more):
        body = {"builder_id": self.name, "task_id": str(task.pk), "status": "active", **more}
        answer = self.ask("POST", "heartbeat", body)
        assert answer.status_code == 201, answer.content

    def post(self, what, task, body, **more):
        return self.ask("POST", f"tasks/{getattr(task, 'pk', task)}/{what}", body, **more)


@pytest.fixture
def caller(builder):
    return Caller(builder)


def said(answer):
    return [(error["field"], error["rule"]) for error in answer.json()["errors"]]


def unmet(answer):
    return {each["rule"] for each in answer.json()["conditions"] if not each["met"]}


# --- the instruction ------------------------------------------------------------------------------


def test_empty_hands_have_no_task(caller):
    assert caller.ask("GET", "assignment").json() == {"builder_id": "ui-builder", "task": None}


def test_strangers_are_told_nothing(client):
    answer = client.get("/api/assignment")
    assert (answer.status_code, said(answer)) == (401, [("Authorization", "valid_token")])


def test_what_others_hold_is_not_told(caller, task):
    made_ready(task, BuilderFactory(builder_id="qa-builder"))
    assert caller.get() is None


def test_the_instruction_says_what_is_to_be_built_and_where_to_report(caller, held):
    held.wave.program.objectives = ["Nobody waits"]
    held.wave.program.save(update_fields=["objectives"])
    record_validation(
        held, validation_results={"data": {"shapes stated": False, "named": True}}, by=None
    )
    told = caller.get()

    assert told["instruction"].startswith("Build to Green: make tests/escalation/ pass")
    assert "3 of its 3 tests fail" in told["instruction"]
    assert (told["name"], told["state"]) == (held.name, "assigned")
    assert told["program"]["name"] == held.wave.program.name
    assert told["program"]["objectives"] == ["Nobody waits"]
    assert told["wave"]["sequence_number"] == held.wave.sequence_number
    assert told["acceptance_criteria"] == ["every test passes", "no test debt"]
    assert told["architecture"]["reference"] == "architecture/escalation.md"
    assert told["architecture"]["build_readiness"] == "NOT_READY"
    assert told["architecture"]["failed_items"] == ["data: shapes stated"]
    assert (told["suite"]["qa_status"], told["suite"]["failing_tests"]) == ("RED", 3)
    assert [test["name"] for test in told["suite"]["failing"]] == TESTS
    assert told["open_blockers"] == []
    completion = {condition["rule"]: condition["met"] for condition in told["completion"]}
    assert completion["suite_green"] is False
    assert completion["no_open_blocker"] is True
    for report in told["reports"]:
        answer = caller.ask(report["method"], report["path"].removeprefix("/api/"), {})
        assert answer.status_code in (200, 409, 422), report


def test_the_instruction_names_what_blocks_the_task_and_what_it_is_part_of(caller, held):
    for entity, kind in ((held, "task"), (held.wave, "wave")):
        Blocker.objects.create(
            entity_type=kind, entity_id=entity.pk, classification="protected_path", description="-"
        )
    assert [blocker["entity_type"] for blocker in caller.get()["open_blockers"]] == ["task", "wave"]


def test_the_instruction_costs_a_bounded_number_of_queries(
    caller, held, django_assert_max_num_queries
):
    with django_assert_max_num_queries(12):
        caller.get()


# --- QA runs --------------------------------------------------------------------------------------


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
    assert answer["changes"]["vanished"] == TESTS[1:]


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


def test_three_runs_without_progress_hold_the_task_up_and_the_answer_says_so(caller, held):
    caller.beat(held)
    states = [
        caller.post("qa-runs", held, run_of([TESTS[0]])).json()["task_state"] for _ in range(3)
    ]
    assert states == ["in-progress", "in-progress", "blocked"]


@pytest.mark.parametrize(
    ("body", "refusals"),
    [
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
    ],
)
def test_a_run_that_contradicts_itself_is_refused(caller, held, body, refusals):
    answer = caller.post("qa-runs", held, body)
    assert (answer.status_code, said(answer)) == (422, refusals)
    assert QAExecution.objects.count() == 1


BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
<testsuite><testcase name="&lol2;"/></testsuite>"""


@pytest.mark.parametrize(
    "report",
    [
        b"{}",
        b"<html/>",
        b"<testsuite>",
        BILLION_LAUGHS,
        b"<testsuite>" * 40 + b"</testsuite>" * 40,
        b'<?xml version="1.0" encoding="shift_jis"?><testsuite/>',
        b'<?xml version="1.0"?><testsuite name="\xff"/>',
        b'<testsuites><testcase name="outside"/></testsuites>',
    ],
)
def test_a_report_that_cannot_be_read_is_refused_in_a_sentence(caller, held, report):
    answer = caller.post("qa-runs", held, report, content_type="application/xml")
    assert (answer.status_code, said(answer)) == (422, [("body", "junit_xml")])
    assert answer.json()["errors"][0]["message"].startswith("The report")
    assert QAExecution.objects.count() == 1


def test_a_body_that_is_too_large_is_refused_unread(caller, held):
    report = b" " * (MAX_BYTES + 1)
    for media in ("application/xml", "application/json"):
        answer = caller.post("qa-runs", held, report, content_type=media)
        assert (answer.status_code, said(answer)) == (413, [("body", "body_size")])
    answer = caller.post("claim", held, b" " * 70_000)
    assert (answer.status_code, said(answer)) == (413, [("body", "body_size")])


def test_a_body_of_another_kind_is_refused(caller, held):
    answer = caller.post("qa-runs", held, b"", content_type="text/html")
    assert (answer.status_code, said(answer)) == (415, [("Content-Type", "media_type")])
    answer = caller.post("claim", held, b"<a/>", content_type="application/xml")
    assert (answer.status_code, said(answer)) == (415, [("Content-Type", "json_only")])


# --- claims ---------------------------------------------------------------------------------------


def test_a_claim_is_refused_and_then_accepted_and_ends_wave_and_program(caller, held):
    caller.beat(held, progress_percentage=100)
    refused = caller.post("claim", held, {"evidence_location": "evidence/panel.md"})
    assert refused.status_code == 409
    assert unmet(refused) == {"suite_green", "run_newer_than_work"}
    assert {rule for _, rule in said(refused)} == unmet(refused)
    held.refresh_from_db()
    assert (held.state, held.evidence_location) == ("in-progress", "evidence/panel.md")

    caller.post("qa-runs", held, run_of(TESTS))
    accepted = caller.post("claim", held, {})
    assert (accepted.status_code, unmet(accepted)) == (200, set())
    held.refresh_from_db()
    assert held.state == Task.State.COMPLETED
    assert held.wave.__class__.objects.get().state == State.COMPLETED
    assert held.wave.program.__class__.objects.get().state == State.COMPLETED
    assert caller.get() is None
    assert list(CompletionClaim.objects.order_by("claimed_at").values_list("accepted")) == [
        (False,),
        (True,),
    ]
    recorded = Evidence.objects.of(held).filter(action="claim_recorded", actor="ui-builder")
    assert recorded.count() == 2
    assert Evidence.objects.of(held).get(context__to="completed").actor == "ui-builder"


def test_a_claim_over_moved_goalposts_is_refused_and_names_them(caller, held):
    caller.beat(held)
    gone = {"passing": 1, "failing": 0, "tests": [{"name": TESTS[0], "outcome": "passed"}]}
    caller.post("qa-runs", held, gone)
    answer = caller.post("claim", held, {"evidence_location": "evidence/panel.md"})
    assert (answer.status_code, unmet(answer)) == (409, {"goalposts_stand"})
    assert TESTS[1] in answer.json()["errors"][0]["message"]


def test_a_claim_on_work_that_never_began_is_refused_and_kept(caller, held):
    caller.post("qa-runs", held, run_of(TESTS))
    answer = caller.post("claim", held, {"evidence_location": "evidence/panel.md"})
    assert (answer.status_code, unmet(answer)) == (409, {"programs_tasks_moves"})
    assert CompletionClaim.objects.get().accepted is False
    held.refresh_from_db()
    assert held.state == Task.State.ASSIGNED


def test_a_claim_on_a_blocked_task_is_refused_and_kept(caller, held):
    caller.beat(held)
    caller.post("qa-runs", held, run_of(TESTS))
    caller.post("escalation", held, {"classification": "protected_path", "description": "no"})
    answer = caller.post("claim", held, {"evidence_location": "evidence/panel.md"})
    assert (answer.status_code, unmet(answer)) == (409, {"no_open_blocker"})


# --- escalations ----------------------------------------------------------------------------------


def test_an_escalation_blocks_the_task_and_tells_what_was_tried(caller, held):
    caller.beat(held)
    trouble = {
        "classification": "architecture_qa_mismatch",
        "description": "The suite asks for a field that nobody knows.",
        "attempts": ["read the architecture", "asked the schema"],
        "last_error": "KeyError: 'released_at'",
    }
    answer = caller.post("escalation", held, trouble)
    assert (answer.status_code, answer.json()["task_state"]) == (201, "blocked")
    blocker = Blocker.objects.get()
    assert blocker.description == (
        "The suite asks for a field that nobody knows.\n\n"
        "Attempts so far:\n- read the architecture\n- asked the schema\n\n"
        "Last error:\nKeyError: 'released_at'"
    )
    evidence = Evidence.objects.of(held).get(action="blocker_raised")
    assert evidence.actor == "ui-builder"
    assert evidence.context["escalation"] == {
        "attempts": trouble["attempts"],
        "last_error": trouble["last_error"],
    }
    resolve_blocker(blocker, resolution_action="The field was added.", by=None)
    held.refresh_from_db()
    assert held.state == Task.State.IN_PROGRESS


def test_the_same_trouble_again_is_counted(caller, held):
    caller.beat(held)
    trouble = {"classification": "protected_path", "description": "no way", "attempts": 2}
    assert caller.post("escalation", held, trouble).json()["occurrences"] == 1
    assert caller.post("escalation", held, trouble).json()["occurrences"] == 2
    assert "Attempts so far: 2." in Blocker.objects.get().description


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"description": "x"}, "classification"),
        ({"classification": "builder_stall", "description": "x"}, "classification"),
        ({"classification": "protected_path", "description": " "}, "description"),
        ({"classification": "protected_path", "description": "x\0"}, "description"),
        ({"classification": "protected_path", "description": "x", "attempts": -1}, "attempts"),
    ],
)
def test_an_escalation_says_what_and_why(caller, held, body, field):
    answer = caller.post("escalation", held, body)
    assert answer.status_code == 422
    assert said(answer)[0][0].startswith(field)
    assert not Blocker.objects.exists()


# --- validations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "rate", "readiness"),
    [({"a": True, "b": True}, 100, "READY"), ({"a": True, "b": False}, 50, "NOT_READY")],
)
def test_a_checklist_is_kept_with_its_rate_and_who_checked(caller, held, items, rate, readiness):
    answer = caller.post("validations", held, {"validation_results": {"interfaces": items}})
    assert answer.status_code == 201
    assert (answer.json()["pass_rate"], answer.json()["build_readiness"]) == (rate, readiness)
    stored = ArchitectureValidation.objects.latest("validated_at")
    assert stored.validated_by == "ui-builder"
    assert Evidence.objects.of(held).filter(action="validation_recorded", actor="ui-builder")


@pytest.mark.parametrize("results", [{}, {"a": {}}, {"a": {"b": 1}}, {"a\0": {"b": True}}])
def test_a_checklist_without_an_item_or_an_answer_is_refused(caller, held, results):
    answer = caller.post("validations", held, {"validation_results": results})
    assert answer.status_code == 422


# --- whose task it is -----------------------------------------------------------------------------

POSTS = {
    "qa-runs": {"passing": 0, "failing": 1},
    "claim": {},
    "escalation": {"classification": "protected_path", "description": "no"},
    "validations": {"validation_results": {"a": {"b": True}}},
}


@pytest.mark.parametrize(("what", "body"), POSTS.items())
def test_only_the_task_in_hand_can_be_spoken_of(caller, what, body):
    others = made_ready(TaskFactory(), BuilderFactory(builder_id="qa-builder"))
    for task in (others.pk, uuid4()):
        answer = caller.post(what, task, body)
        assert (answer.status_code, said(answer)) == (404, [("task_id", "held_task")])
    assert (QAExecution.objects.count(), CompletionClaim.objects.count()) == (1, 0)
    assert caller.post(what, "no-id", body).status_code == 422


@pytest.mark.parametrize(("what", "body"), POSTS.items())
def test_a_token_is_asked_for(client, held, what, body):
    answer = client.post(f"/api/tasks/{held.pk}/{what}", body, content_type="application/json")
    assert (answer.status_code, said(answer)) == (401, [("Authorization", "valid_token")])


@pytest.mark.parametrize("what", POSTS)
def test_nothing_but_a_post_is_taken(caller, held, what):
    answer = caller.ask("GET", f"tasks/{held.pk}/{what}")
    assert (answer.status_code, said(answer)) == (405, [(None, "method_not_allowed")])


# --- once is enough -------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "body"), POSTS.items())
def test_a_request_sent_again_under_its_key_is_answered_alike(caller, held, what, body):
    caller.beat(held)
    first = caller.post(what, held, body, key="one")
    evidence = Evidence.objects.count()
    again = caller.post(what, held, body, key="one")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert Evidence.objects.count() == evidence


def test_an_accepted_claim_is_answered_again_when_the_hands_are_empty(caller, held):
    caller.beat(held)
    caller.post("qa-runs", held, run_of(TESTS))
    for _ in range(2):
        answer = caller.post("claim", held, {"evidence_location": "evidence/a.md"}, key="done")
        assert answer.status_code == 200
    assert CompletionClaim.objects.count() == 1
    assert caller.post("claim", held, {}).status_code == 404


def test_a_key_stands_for_one_request(caller, held):
    caller.post("qa-runs", held, run_of([]), key="one")
    for what, body in (("qa-runs", run_of(TESTS)), ("claim", {})):
        answer = caller.post(what, held, body, key="one")
        assert (answer.status_code, said(answer)) == (409, [(None, "idempotency_key_used_once")])
    assert CompletionClaim.objects.count() == 0


def test_a_key_is_its_builders_own(caller, held):
    caller.post("qa-runs", held, run_of([]), key="one")
    other = BuilderFactory(builder_id="qa-builder")
    task = made_ready(TaskFactory(), other)
    assert "Idempotent-Replay" not in Caller(other).post("claim", task, {}, key="one").headers


def test_what_left_nothing_may_be_sent_again_under_its_key(caller, held):
    assert caller.post("qa-runs", uuid4(), run_of([]), key="one").status_code == 404
    assert caller.post("qa-runs", held, {}, key="one").status_code == 422
    assert caller.post("qa-runs", held, run_of([]), key="one").status_code == 201


@pytest.mark.parametrize("key", ["a b", "x" * 201, "é"])
def test_a_key_is_printable_and_short(caller, held, key):
    answer = caller.post("claim", held, {}, key=key)
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (
        422,
        "string_pattern_mismatch",
    )


def test_of_ten_at_once_one_acts_and_all_are_answered_alike(caller, held):
    caller.beat(held)

    def send(_):
        try:
            return caller.post("qa-runs", held, run_of([]), key="one")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(send, range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replay" in answer.headers for answer in answers) == 9
    assert QAExecution.objects.count() == 2


def test_old_keys_go_and_young_ones_stay(caller, held):
    caller.post("qa-runs", held, run_of([]), key="old")
    caller.post("qa-runs", held, run_of([]), key="young")
    old = IdempotencyKey.objects.filter(key="old")
    old.update(created_at=now() - timedelta(days=3))
    assert prune_idempotency_keys() == 1
    assert [key.key for key in IdempotencyKey.objects.all()] == ["young"]
