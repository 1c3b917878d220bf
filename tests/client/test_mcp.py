"""`foreman mcp`: the tools of an agent, by the protocol's own client against a real office."""

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from foreman.builder import Builder
from foreman.mcp_server import answer
from foreman.tools import TOOLS
from mcp import Client, MCPError, StdioServerParameters

from builders.actions import answer_question, assign_task
from builders.models import Builder as StoredBuilder
from builders.models import Heartbeat, Question
from governance.models import ArchitectureValidation, Blocker, QAExecution
from programs.models import Task
from tests.client.office import PATIENCE, environment, started

pytestmark = pytest.mark.slow

ITSELF = {"name": "an agent", "version": "1"}
CASES = "".join(f'<testcase name="{name}"/>' for name in "abcde")
GREEN = f"<testsuite>{CASES}</testsuite>"


@pytest.fixture
def use(known):
    """Call a tool in this process; return its text, its content, and whether it failed."""
    builder = Builder.of_this_machine(tell=lambda words: None, patience=0)

    def use(name, **arguments):
        said = answer(lambda: builder, TOOLS[name], arguments)
        return said.text, said.content, said.is_error

    return use


def by_protocol(talk, env, **options):
    """Talk to `foreman mcp` as its own process; return what the conversation returns."""

    async def conversation():
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "foreman", "mcp"], env=env
        )
        async with Client(server, **options) as client:
            return await talk(client)

    with ThreadPoolExecutor(1) as thread:  # the browser of other tests has a loop in this one
        return thread.submit(lambda: asyncio.run(conversation())).result()


def test_an_agent_goes_from_its_assignment_to_a_claim(use, held, tmp_path):
    text, told, failed = use("get_assignment")
    assert (failed, told["task"]["task_id"]) == (False, str(held.pk))
    assert "Wire the lamp" in text
    assert "[ ] suite_green" in text

    text, _, failed = use(
        "report_progress", message="wiring", progress_percentage=60, next_within_seconds=600
    )
    assert (failed, "due within" in text) == (False, True)
    beat = Heartbeat.objects.get()
    assert (beat.task_id, beat.progress_percentage, beat.message) == (held.pk, 60, "wiring")

    # What is missing, and what meets it, is an answer.
    text, told, failed = use("claim_completion")
    assert (failed, told["accepted"]) == (True, False)
    assert "[ ] suite_green" in text
    assert "To do: Record a green run" in text
    assert f"/tasks/{held.pk}/report/" in text

    report = tmp_path / "report.xml"
    report.write_text(GREEN)
    text, told, failed = use("report_test_run", files=[str(report)], exit_code=0)
    assert (failed, told["answer"]["qa_status"]) == (False, "GREEN"), text
    text, told, failed = use("claim_completion", evidence_location="evidence/lamp.md")
    assert (failed, told["accepted"]) == (False, True), text
    held.refresh_from_db()
    assert held.state == Task.State.COMPLETED
    assert use("get_assignment")[0].startswith("There is no task")


def test_runs_in_counts_validations_and_escalations_are_stored(use, held):
    text, told, failed = use("report_test_run", passing=1, failing=2, exit_code=1)
    assert (failed, "PARTIAL, 1 of 3" in text) == (False, True)
    assert QAExecution.objects.latest("recorded").failing_tests == 2

    _, told, failed = use("validate_architecture")
    assert not failed
    results = {section: dict.fromkeys(items, True) for section, items in told["checklist"].items()}
    text, told, failed = use("validate_architecture", validation_results=results)
    assert (failed, told["build_readiness"]) == (False, "READY"), text
    assert ArchitectureValidation.objects.latest("recorded").pass_rate == 100

    text, told, failed = use(
        "escalate",
        classification="protected_path",
        description="It is locked.",
        attempts=["a", "b"],
    )
    assert (failed, told["task_state"]) == (False, "blocked"), text
    assert Blocker.objects.open().get().description.startswith("It is locked.")


def test_a_question_is_asked_and_its_answer_comes_with_the_next_report(use, held):
    text, told, failed = use("ask_foreman", question="Which field?", options=["a", "b"])
    assert (failed, told["options"]) == (False, ["a", "b"]), text
    assert "It waits for an answer" in text
    answer_question(Question.objects.get(), option=1, answer="As in the schema.", by=None)
    text, _, failed = use("report_progress", message="on")
    assert (failed, "Question: Which field?\n  Answer: b. As in the schema." in text) == (
        False,
        True,
    )
    assert "Answer: b" in use("get_assignment")[0]


def test_wrong_arguments_are_answers_that_name_them(use, held):
    cases = [
        ("report_progress", {}, "'message' is a required property"),
        ("report_progress", {"message": "a", "percent": 3}, "There is no argument “percent”."),
        ("report_progress", {"message": "a", "progress_percentage": 101}, "101 is greater"),
        ("report_progress", {"message": "a", "status": "dead"}, "status: 'dead' is not one of"),
        ("report_progress", {"message": "a", "task_id": "x"}, "task_id: 'x' does not match"),
        ("report_test_run", {}, "Give either `files`, or the counts"),
        ("report_test_run", {"passing": 1}, "Both `passing` and `failing`"),
        ("report_test_run", {"files": ["/nowhere.xml"]}, "/nowhere.xml cannot be read"),
        ("report_test_run", {"files": ["a"], "passing": 1}, "Give either"),
        ("report_test_run", {"passing": True, "failing": 0}, "passing: True is not of type"),
        ("escalate", {"classification": "builder_stall", "description": "x"}, "is not one of"),
        ("validate_architecture", {"validation_results": {"a": {"b": 1}}}, "a.b: 1 is not of"),
        ("claim_completion", {"task_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12}, "not assigned"),
    ]
    for name, arguments, words in cases:
        text, _, failed = use(name, **arguments)
        assert (failed, words in text) == (True, True), (name, arguments, text)
    assert not Heartbeat.objects.exists()


def test_what_cannot_be_sent_is_kept_and_the_agent_is_told(office, monkeypatch, home):
    for name, value in (("FOREMAN_URL", office.url), ("FOREMAN_TOKEN", "fo_token")):
        monkeypatch.setenv(name, value)
    builder = Builder.of_this_machine(tell=lambda words: None, patience=0)
    builder.identify()
    office.close()
    said = answer(lambda: builder, TOOLS["report_progress"], {"message": "on a train"})
    assert (said.is_error, said.content["kept"]) == (False, True)
    assert "It is kept" in said.text
    said = answer(lambda: builder, TOOLS["claim_completion"], {})
    assert (said.is_error, "cannot be reached" in said.text) == (True, True)


@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
def test_both_revisions_of_the_protocol_are_spoken(mode, version, known, ready, live_server, home):
    assign_task(ready, StoredBuilder.objects.get(pk="ui-builder"), by=None)

    async def talk(client):
        listed = await client.list_tools()
        good = await client.call_tool("report_progress", {"message": "hello"})
        wrong = await client.call_tool("report_progress", {"message": "hello", "mesage": "typo"})
        with pytest.raises(MCPError, match="no tool"):
            await client.call_tool("open_the_door", {})
        return client.protocol_version, listed.tools, good, wrong

    env = environment(home, live_server.url, known)
    spoken, tools, good, wrong = by_protocol(talk, env, mode=mode)
    assert spoken == version
    assert {tool.name: tool.input_schema for tool in tools} == {
        name: tool.schema for name, tool in TOOLS.items()
    }
    assert (good.is_error, wrong.is_error) == (False, True)
    assert "There is no argument “mesage”" in wrong.content[0].text
    assert [beat.message for beat in Heartbeat.objects.all()] == ["hello"]


def test_it_ends_with_its_agent_though_the_office_has_not_answered(office, shell):
    asked, released = threading.Event(), threading.Event()

    def answer(path):
        asked.set()
        released.wait(PATIENCE)
        return {"builder_id": "ui-builder", "task": None}

    office.books.answer = answer
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}}
    wait = {"name": "get_assignment", "arguments": {"wait_seconds": 50}}
    requests = (
        {"id": 1, "method": "initialize", "params": {**hello, "clientInfo": ITSELF}},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": wait},
    )
    with started("mcp", env=shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for request in requests:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **request}).encode() + b"\n")
            process.stdin.flush()
        assert asked.wait(PATIENCE)
        process.stdin.close()
        assert process.wait(PATIENCE / 2) == 0
    assert not released.is_set()
    released.set()


def test_an_agent_that_is_not_logged_in_is_told_so(home):
    async def talk(client):
        return await client.call_tool("get_assignment", {})

    said = by_protocol(talk, environment(home))
    assert (said.is_error, "Run `foreman login`" in said.content[0].text) == (True, True)


def test_the_plain_client_says_what_it_lacks(home):
    done = subprocess.run(
        [sys.executable, "-S", "-m", "foreman", "mcp", "--json"],  # -S: without what is installed
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1, done.stderr
    assert "pip install './client[mcp]'" in json.loads(done.stdout)["errors"][0]["message"]
