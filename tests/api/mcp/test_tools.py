"""The tools at /mcp: what each does is what the API's endpoint does."""

import json

import pytest
from foreman.tools import TOOLS as TOOLS_OF_THE_CLIENT

from builders.actions import answer_question
from builders.models import Heartbeat, Question
from foreman_office.api.mcp.tools import TOOLS
from governance.models import ArchitectureValidation, Blocker, CompletionClaim, QAExecution
from programs.models import Task
from tests.api.caller import IN_REAL_TIME, TESTS

JUNIT = "<testsuite>{}</testsuite>".format("".join(f'<testcase name="{name}"/>' for name in TESTS))
NOBODYS = "00000000-0000-4000-8000-000000000000"


class TestInRealTime:
    pytestmark = IN_REAL_TIME

    def test_an_agent_goes_from_its_assignment_to_a_claim(self, agent, held):
        _, told, _ = agent.use("get_assignment", wait_seconds=0)
        assert told["task"]["task_id"] == str(held.pk)
        assert not agent.use("report_progress", message="wiring", progress_percentage=60)[2]
        beat = Heartbeat.objects.get()
        assert (beat.task_id, beat.message, beat.status) == (held.pk, "wiring", "active")

        text, told, failed = agent.use("claim_completion")
        assert (failed, told["accepted"]) == (True, False)
        assert "- suite_green: " in text
        assert "To do: Record a green run" in text
        assert f"Page: http://testserver/tasks/{held.pk}/report/" in text

        text, told, failed = agent.use("report_test_run", report=JUNIT, exit_code=0)
        assert (failed, told["qa_status"]) == (False, "GREEN"), text
        text, told, failed = agent.use("claim_completion", evidence_location="evidence/lamp.md")
        assert (failed, told["accepted"]) == (False, True), text
        assert json.loads(text) == told
        held.refresh_from_db()
        assert held.state == Task.State.COMPLETED


class TestSentAgain:
    pytestmark = IN_REAL_TIME

    def test_a_call_with_a_key_is_executed_once_and_gets_its_answer_again(self, agent, held):
        said = {"message": "wiring", "progress_percentage": 60}
        first = agent.use("report_progress", key="beat-1", **said)
        assert agent.use("report_progress", key="beat-1", **said) == first
        assert Heartbeat.objects.count() == 1

        first = agent.use("report_test_run", key="run-1", report=JUNIT, exit_code=0)
        runs = QAExecution.objects.count()
        assert agent.use("report_test_run", key="run-1", report=JUNIT, exit_code=0) == first
        assert QAExecution.objects.count() == runs
        text, _, failed = agent.use("report_test_run", key="run-1", report=JUNIT, exit_code=1)
        assert (failed, text) == (True, "This key was used for another request.")

        # After an accepted claim no task is assigned any more.
        claim = {"evidence_location": "evidence/lamp.md"}
        first = agent.use("claim_completion", key="claim-1", **claim)
        assert not first[2]
        assert agent.use("claim_completion", key="claim-1", **claim) == first
        assert CompletionClaim.objects.count() == 1
        assert agent.use("claim_completion", key="claim-2", **claim)[2]

    def test_a_key_may_stand_in_meta_and_without_one_each_call_counts(self, agent, held):
        params = {"name": "report_test_run", "arguments": {"report": JUNIT, "exit_code": 0}}
        before = QAExecution.objects.count()
        for meta, stored in (({"idempotencyKey": "r"}, 1), ({"idempotencyKey": "r"}, 1), ({}, 2)):
            answer = agent.handshake("tools/call", {**params, "_meta": meta})
            assert answer.status_code == 200, answer.content
            assert QAExecution.objects.count() == before + stored
        for wrong in ("with blank", "", 7):
            answer = agent.handshake("tools/call", {**params, "_meta": {"idempotencyKey": wrong}})
            said = answer.json()
            assert ("error" in said) is bool(wrong), said
        # The empty one is none.
        assert QAExecution.objects.count() == before + 3


@pytest.mark.django_db
def test_runs_in_counts_validations_and_escalations_are_stored(agent, held):
    tests = [{"name": name, "outcome": "failed"} for name in TESTS]
    text, told, failed = agent.use(
        "report_test_run", passing=0, failing=3, tests=tests, exit_code=1
    )
    assert (failed, told["qa_status"]) == (False, "RED"), text
    assert QAExecution.objects.latest("recorded").failing_tests == 3

    _, told, _ = agent.use("validate_architecture")
    results = {section: dict.fromkeys(items, True) for section, items in told["checklist"].items()}
    text, told, failed = agent.use("validate_architecture", validation_results=results)
    assert (failed, told["build_readiness"]) == (False, "READY"), text
    assert ArchitectureValidation.objects.latest("recorded").validated_by == "ui-builder"

    said = {"classification": "protected_path", "description": "It is locked."}
    text, told, failed = agent.use("escalate", **said, attempts=["a"])
    assert (failed, told["task_state"]) == (False, "blocked"), text
    assert Blocker.objects.open().count() == 1


@pytest.mark.django_db
def test_a_question_is_asked_and_its_answer_comes_with_the_next_report(agent, held):
    asked = {"question": "Which field?", "options": ["expires_at", "released_at"]}
    text, told, failed = agent.use("ask_foreman", **asked)
    assert (failed, told["state"]) == (False, "open"), text
    answer_question(Question.objects.get(), option=1, answer="As in the schema.", by=None)
    _, told, _ = agent.use("report_progress", message="on")
    [received] = told["answers"]
    assert (received["option"], received["text"]) == ("released_at", "As in the schema.")
    _, told, _ = agent.use("get_assignment")
    assert told["task"]["questions"][0]["option"] == "released_at"
    text, _, failed = agent.use("ask_foreman", question="Which?", options=["a", "a"])
    assert (failed, "options: " in text) == (True, True)


@pytest.mark.django_db
def test_wrong_arguments_and_refusals_are_results(agent, held):
    cases = [
        ("report_progress", {}, "message: Field required"),
        ("report_progress", {"message": "a", "percent": 3}, "percent: There is no such argument."),
        ("report_progress", {"message": "a", "percent": 3}, "takes: message, progress_percentage"),
        ("report_progress", {"message": "a", "progress_percentage": 101}, "less than or equal to"),
        ("report_progress", {"message": "a", "status": "dead"}, "status: Input should be"),
        ("report_progress", {"message": "a\0"}, "NUL"),
        ("report_progress", {"message": "a", "task_id": NOBODYS}, "task_id: "),
        ("get_assignment", {"wait_seconds": 51}, "wait_seconds: "),
        ("report_test_run", {}, "Give either the report"),
        ("report_test_run", {"report": JUNIT, "passing": 1}, "Give either the report"),
        ("report_test_run", {"passing": 1}, "failing: Field required"),
        ("report_test_run", {"report": "<!DOCTYPE a><a/>"}, "document type"),
        ("report_test_run", {"report": "nonsense"}, "report: "),
        (
            "report_test_run",
            {"passing": 1, "failing": 0, "tests": [{"name": "a"}]},
            "tests.0.outcome",
        ),
        ("escalate", {"classification": "builder_stall", "description": "x"}, "classification: "),
        (
            "validate_architecture",
            {"validation_results": {"a": {"b": 1}}},
            "validation_results.a.b",
        ),
        ("claim_completion", {"task_id": NOBODYS}, "task_id: This task is not assigned to you."),
    ]
    before = QAExecution.objects.count()
    for name, arguments, words in cases:
        text, told, failed = agent.use(name, **arguments)
        assert (failed, words in text) == (True, True), (name, arguments, text)
        assert told["errors"]
    assert (Heartbeat.objects.count(), QAExecution.objects.count()) == (0, before)


@pytest.mark.django_db
def test_without_a_task_the_tools_say_so(agent):
    for name, arguments in (
        ("claim_completion", {}),
        ("report_test_run", {"report": JUNIT}),
        ("validate_architecture", {}),
    ):
        text, _, failed = agent.use(name, **arguments)
        assert (failed, text) == (True, "task_id: No task is assigned to you."), name
    assert not agent.use("report_progress", message="waiting", status="idle")[2]


def test_the_tools_of_the_client_are_the_same():
    """A report is read from a file there, and is an argument here."""
    assert [*TOOLS] == [*TOOLS_OF_THE_CLIENT]
    for name, tool in TOOLS.items():
        other = TOOLS_OF_THE_CLIENT[name]
        assert (tool.title, tool.only_reads) == (other.title, other.only_reads)
        schema = tool.takes.model_json_schema()
        assert {*schema.get("required", [])} == {*other.required}
        if name == "report_test_run":
            assert {*schema["properties"]} - {*other.properties} == {"report", "tests"}
        else:
            assert {*schema["properties"]} == {*other.properties}
            assert tool.description == other.description
