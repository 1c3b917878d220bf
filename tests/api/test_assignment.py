"""What builders read about their assigned task: the instruction."""

from datetime import timedelta

import pytest

from builders.models import Builder
from foreman_office.api.instruction import prompt_text, suite_of
from governance.actions import record_validation
from governance.models import Blocker
from tests.api.caller import IN_REAL_TIME, TESTS, made_ready
from tests.api.refusals import said
from tests.factories import BuilderFactory

pytestmark = IN_REAL_TIME


def test_empty_hands_have_no_task(caller):
    told = caller.ask("GET", "assignment").json()
    assert (told["builder_id"], told["task"]) == ("ui-builder", None)


def test_the_assignment_says_when_the_next_heartbeat_is_due(caller):
    builder = Builder.objects.get(pk="ui-builder")
    due = (builder.heard_at + timedelta(seconds=60)).isoformat(timespec="milliseconds")
    assert caller.ask("GET", "assignment").json()["next_heartbeat_due_at"][:23] == due[:23]


def test_strangers_are_told_nothing(client):
    answer = client.get("/api/assignment")
    assert (answer.status_code, said(answer)) == (401, [("Authorization", "valid_token")])


def test_what_others_hold_is_not_told(caller, task):
    made_ready(task, BuilderFactory(builder_id="qa-builder"))
    assert caller.get() is None


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"passing": 3, "failing": 0}, "all 3 tests pass"),
        ({"passing": 3, "failing": 1, "skipped": 1}, "1 of its 5 tests fails and 1 is skipped"),
        ({"passing": 0, "failing": 0}, "it has no tests"),
        (
            {"passing": 2, "failing": 0, "exit_code": 1},
            "all 2 tests pass and something speaks against the run",
        ),
    ],
)
def test_the_instruction_says_how_the_latest_run_ended(caller, held, run, words):
    caller.post("qa-runs", held, run)
    assert f"({words})" in caller.get()["instruction"]


def test_the_instruction_of_a_completed_task_asks_for_nothing(caller, held):
    caller.post("qa-runs", held, {"passing": 3, "failing": 0})
    held.state = "completed"
    words = prompt_text(held, suite_of(held))
    assert words == "Completed (all 3 tests pass in tests/escalation/). Nothing is left to do."


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
    green = next(each for each in told["completion"] if each["rule"] == "suite_green")
    assert green["words"] == "The latest run of its suite is green"
    assert green["remedy"].startswith("Record a green run of ")
    assert green["remedy_path"].startswith("/tasks/")
    met = next(each for each in told["completion"] if each["rule"] == "no_open_blocker")
    assert (met["remedy"], met["remedy_path"]) == ("", "")
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
    with django_assert_max_num_queries(15):
        caller.get()
