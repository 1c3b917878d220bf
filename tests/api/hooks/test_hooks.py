"""The hooks of coding agents: recorded events of each version, and the gate that answers Stop."""

import json
from pathlib import Path

import pytest
from django.db import connection

from builders.actions import answer_question, ask_foreman
from builders.models import AgentStop, Heartbeat
from governance.actions import resolve_blocker
from governance.models import Blocker
from programs.models import Task
from tests.api.caller import IN_REAL_TIME, run_of

pytestmark = pytest.mark.django_db

EVENTS = Path(__file__).parent / "events"
SECRET = "SECRET-of-the-prompt"
# Those whose events say that the agent waits for a person.
ASKS_A_PERSON = {"claude-code-2.1", "codex", "gemini-cli"}
STOP = {"hook_event_name": "Stop", "session_id": "s1", "cwd": "/x", "stop_hook_active": False}
GOES_ON = {**STOP, "stop_hook_active": True}


@pytest.fixture
def send(caller):
    """Send an event of a hook; return the answer."""

    def send(event, agent="claude-code"):
        answer = caller.ask("POST", f"hooks/{agent}", event)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return send


def everything():
    """Return all texts of the tables that an event could have reached."""
    with connection.cursor() as cursor:
        found = []
        for table in ("heartbeats", "evidence_trail", "blockers", "agent_stops", "refused_acts"):
            cursor.execute(f"SELECT {table}::text FROM {table}")
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


@pytest.mark.parametrize("file", sorted(EVENTS.glob("*.json")), ids=lambda file: file.stem)
def test_recorded_events_are_taken_as_they_are_sent(file, send, held, caller):
    told = json.loads(file.read_text())
    answers = {}
    for event in told["events"]:
        answers[event["hook_event_name"]] = send(event, told["agent"])
    begun = answers.get("SessionStart") or answers["sessionStart"]
    context = begun.get("additional_context") or begun["hookSpecificOutput"]["additionalContext"]
    assert f"build the task “{held.name}”" in context
    assert "- suite_green: " in context
    beats = [*Heartbeat.objects.order_by("received_at")]
    assert [beat.task_id for beat in beats] == [held.pk] * len(beats)
    assert any(beat.message.startswith("Uses ") and beat.status == "active" for beat in beats)
    assert any(beat.status == "blocked" for beat in beats) == (file.stem in ASKS_A_PERSON)
    held_back = answers.get("Stop") or answers.get("AfterAgent") or answers["stop"]
    reason = held_back.get("followup_message") or held_back["reason"]
    assert f"the task “{held.name}” is not done. What is missing:" in reason
    assert held_back.get("decision", "block") == ("deny" if "gemini" in file.stem else "block")
    # Neither prompts nor what goes into tools or comes out of them.
    assert SECRET in file.read_text()
    assert SECRET not in everything() + json.dumps(answers)


def test_a_stop_is_held_a_set_number_of_times_and_then_escalated(send, held, settings):
    settings.FOREMAN_AGENT_STOPS = 2
    first = send(STOP)
    assert first["decision"] == "block"
    assert "- suite_green: " in first["reason"]
    assert "To do: Record a green run" in first["reason"]
    assert f"Page: http://testserver/tasks/{held.pk}/report/" in first["reason"]
    assert first["reason"].endswith("(1 of 2)")
    assert send(GOES_ON)["reason"].endswith("(2 of 2)")
    assert not Blocker.objects.exists()

    assert "escalated" in send(GOES_ON)["systemMessage"]
    blocker = Blocker.objects.get()
    assert blocker.classification == "repeated_failures"
    assert "told 2 times to go on" in blocker.description
    assert "- suite_green: " in blocker.description
    held.refresh_from_db()
    assert held.state == Task.State.BLOCKED
    # Now only a person can go on.
    assert send(STOP) == send(GOES_ON) == {}

    resolve_blocker(blocker, resolution_action="Told it how.", by=None)
    # It goes on because of the hook: nothing begins anew. A new turn does.
    assert send(GOES_ON) == {}
    assert send(STOP)["reason"].endswith("(1 of 2)")
    assert Blocker.objects.count() == 1


def test_sessions_and_parts_of_them_are_counted_apart(send, held, settings):
    settings.FOREMAN_AGENT_STOPS = 1
    assert send(STOP)["decision"] == "block"
    assert send({**STOP, "session_id": "s2"})["decision"] == "block"
    part = {**STOP, "hook_event_name": "SubagentStop", "agent_id": "a1"}
    assert send(part)["decision"] == "block"
    assert send({**part, "stop_hook_active": True}) == {}
    assert send({**part, "agent_id": "a2"})["decision"] == "block"
    assert {stop.session for stop in AgentStop.objects.all()} == {"s1", "s2", "s1/a1", "s1/a2"}
    assert not Blocker.objects.exists()


def test_an_agent_may_stop_where_only_a_person_can_go_on(send, held, builder, settings):
    assert send({**STOP, "background_tasks": [{"id": "1", "type": "subagent"}]}) == {}
    assert send({**STOP, "background_tasks": [{"id": "1", "type": "shell"}]}) != {}
    question = ask_foreman(held, question="Which one?", options=[], by=builder)
    assert send(STOP) == {}
    answer_question(question, answer="This one.", by=None)
    begun = send({"hook_event_name": "SessionStart", "session_id": "s1", "source": "resume"})
    assert "- Which one? This one." in begun["hookSpecificOutput"]["additionalContext"]
    settings.FOREMAN_AGENT_STOPS = 0
    assert send(STOP) == {}
    assert not Blocker.objects.exists()


def test_without_a_task_nothing_is_held(send, builder):
    assert send(STOP) == {}
    begun = send({"hook_event_name": "SessionStart", "session_id": "s1", "source": "startup"})
    context = begun["hookSpecificOutput"]["additionalContext"]
    assert context == "Foreman Office: you are ui-builder. No task is assigned to you now."
    send({"hook_event_name": "PostToolUse", "session_id": "s1", "tool_name": "Bash"})
    assert Heartbeat.objects.get().task_id is None


class TestInRealTime:
    pytestmark = IN_REAL_TIME

    def test_what_is_done_and_not_claimed_is_told_and_what_is_claimed_is_not(
        self, send, held, caller
    ):
        names = ["test_a_hold_expires", "test_a_seat_is_free", "test_two_at_once"]
        caller.beat(held, progress_percentage=90)
        caller.post("qa-runs", held, run_of(names))
        held.evidence_location = "evidence/hold.md"
        held.save(update_fields=["evidence_location"])
        assert "Claim that it is done" in send(STOP)["reason"]
        assert caller.post("claim", held, {}).status_code == 200
        assert send(GOES_ON) == {}

    def test_the_same_tool_again_is_heard_and_is_no_heartbeat_of_its_own(self, send, held, builder):
        """Ten beats that say the same would mean that the builder makes no headway."""
        use = {
            "hook_event_name": "PostToolUse",
            "session_id": "s1",
            "tool_name": "Bash\n\0<b>" + "x" * 900,
        }
        for _ in range(3):
            send(use)
        beat = Heartbeat.objects.get()
        assert beat.message == "Uses Bashb" + "x" * 75
        builder.refresh_from_db()
        heard = builder.heard_at
        send({**use, "tool_name": "Edit"})
        send(use)
        assert Heartbeat.objects.count() == 3
        builder.refresh_from_db()
        assert builder.heard_at >= heard


def test_what_is_no_event_is_refused_and_what_is_unknown_is_ignored(send, caller, held):
    assert send({"hook_event_name": "SomethingNew", "deep": {"er": [1]}}) == {}
    assert send({"hook_event_name": "UserPromptSubmit", "prompt": SECRET}) == {}
    assert not Heartbeat.objects.exists()
    cases = [
        ("claude-code", {}, 422),
        ("claude-code", {"hook_event_name": 3}, 422),
        ("claude-code", {**STOP, "session_id": "a\0"}, 422),
        ("claude-code", [STOP], 422),
        ("claude-code", b"{", 400),
        ("no-such-agent", STOP, 422),
    ]
    for agent, body, status in cases:
        assert caller.ask("POST", f"hooks/{agent}", body).status_code == status, (agent, body)
    assert caller.ask("GET", "hooks/claude-code").status_code == 405
    caller.token = "fo_wrong"
    assert caller.ask("POST", "hooks/claude-code", STOP).status_code == 401
