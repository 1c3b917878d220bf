"""Escalations: trouble that a builder cannot end by itself, as a blocker."""

from governance.actions import resolve_blocker
from governance.models import Blocker, Evidence
from programs.models import Task
from tests.api.caller import IN_REAL_TIME
from tests.api.refusals import said

pytestmark = IN_REAL_TIME


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


ESCALATIONS_WITHOUT = [
    ({"description": "x"}, "classification"),
    ({"classification": "builder_stall", "description": "x"}, "classification"),
    ({"classification": "protected_path", "description": " "}, "description"),
    ({"classification": "protected_path", "description": "x\0"}, "description"),
    ({"classification": "protected_path", "description": "x", "attempts": -1}, "attempts"),
]


def test_an_escalation_says_what_and_why(caller, held, subtests):
    for body, field in ESCALATIONS_WITHOUT:
        with subtests.test(body=body):
            answer = caller.post("escalation", held, body)
            assert answer.status_code == 422
            assert said(answer)[0][0].startswith(field)
            assert not Blocker.objects.exists()
