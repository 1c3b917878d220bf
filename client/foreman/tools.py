"""The tools of a coding agent: what each is for, what it takes, and what it answers.

`foreman mcp` offers them; nothing here knows the protocol.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from foreman import words
from foreman.builder import Builder
from foreman.errors import ForemanError, Invalid, Refused
from foreman.outbox import Outcome
from foreman.parser import CLASSIFICATIONS
from foreman.reports import JSON, Report, read_report

Arguments = Mapping[str, Any]
LONGEST_WAIT = 50  # seconds: an agent gives up on a tool after sixty, unless it is told otherwise


class Said(NamedTuple):
    """What a tool answers: words for the agent, the same for programs, and whether it failed."""

    text: str
    content: Mapping[str, Any] = {}
    is_error: bool = False


class AgentTool(NamedTuple):
    name: str
    title: str
    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    call: Callable[[Builder, Arguments], Said]
    only_reads: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the arguments; others than these are refused."""
        return {
            "type": "object",
            "properties": dict(self.properties),
            "required": list(self.required),
            "additionalProperties": False,
        }


def text(description: str, longest: int = 10_000) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest, "description": description}


def count(description: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "maximum": 1_000_000, "description": description}


TASK = {
    "type": "string",
    "pattern": "^[0-9a-fA-F-]{36}$",
    "description": "Only for another task than the assigned one.",
}


def call(builder: Builder, tool: AgentTool, arguments: Arguments) -> Said:
    """Call a tool; what is refused or fails is an answer too."""
    try:
        return tool.call(builder, arguments)
    except Refused as refused:
        return of_refusal(builder, refused)
    except ForemanError as error:
        return Said(str(error), error.as_json(), is_error=True)


def of_refusal(builder: Builder, refused: Refused) -> Said:
    """Return the unmet conditions, with what meets each."""
    said = words.of_refusal(refused, builder.account.url)
    return Said(said, refused.as_json(), is_error=True)


def of_outcome(builder: Builder, outcome: Outcome, told: str) -> Said:
    """Return what became of a heartbeat or report; what is kept for later is no failure."""
    if outcome.refused:
        return of_refusal(builder, outcome.refused)
    if isinstance(outcome.trouble, Refused):
        return of_refusal(builder, outcome.trouble)
    return Said(told, {"kept": outcome.kept, "answer": outcome.answer})


# --- the tools ------------------------------------------------------------------------------------


def get_assignment(builder: Builder, arguments: Arguments) -> Said:
    task = builder.assignment(wait=arguments.get("wait_seconds", 0))
    said = {"builder_id": builder.identity.name if builder.identity else None, "task": task}
    if task is None:
        return Said("There is no task assigned to you. Ask again later.", said)
    conditions = words.of_conditions(task["completion"], builder.account.url)
    return Said("\n".join([*words.of_task(task), "", "Completion:", *conditions]), said)


def report_progress(builder: Builder, arguments: Arguments) -> Said:
    identity = builder.identify()
    outcome = builder.beat(
        arguments.get("status", "active"),
        arguments["message"],
        arguments.get("progress_percentage"),
        arguments.get("next_within_seconds"),
        task_id=arguments.get("task_id") or os.environ.get("FOREMAN_TASK") or identity.task_id,
    )
    if outcome.kept:
        return of_outcome(builder, outcome, f"{outcome.trouble} It is kept, and sent later.")
    told = outcome.answer or {}
    lines = [f"Reported. The next report is due within {told.get('interval_seconds')} s."]
    for each in told.get("answers") or []:
        lines += words.of_question({**each, "state": "answered"})
    return of_outcome(builder, outcome, "\n".join(lines))


def report_test_run(builder: Builder, arguments: Arguments) -> Said:
    builder.identify()
    parameters = {name: arguments.get(name) for name in ("exit_code", "test_debt_count")}
    found = report_of(arguments)
    outcome = builder.report(builder.task_id(arguments.get("task_id")), found, parameters)
    return of_outcome(builder, outcome, words.of_report(outcome))


def report_of(arguments: Arguments) -> Report:
    """Return the report in the files, or the counts in the office's own form."""
    files, counts = arguments.get("files"), {"passing", "failing", "skipped"} & arguments.keys()
    if bool(files) == bool(counts):
        raise Invalid("Give either `files`, or the counts `passing` and `failing`.")
    if files:
        return read_report([Path(name).expanduser() for name in files])
    if not {"passing", "failing"} <= counts:
        raise Invalid("Both `passing` and `failing` are needed.")
    told = counts | ({"exit_code", "test_debt_count"} & arguments.keys())
    body = json.dumps({name: arguments[name] for name in told})
    return Report(JSON, body.encode(), says_all=True)


def claim_completion(builder: Builder, arguments: Arguments) -> Said:
    builder.identify()
    answer = builder.claim(
        builder.task_id(arguments.get("task_id")), arguments.get("evidence_location")
    )
    return Said("The claim is accepted: the task is completed.", answer)


def escalate(builder: Builder, arguments: Arguments) -> Said:
    builder.identify()
    answer = builder.escalate(
        builder.task_id(arguments.get("task_id")),
        arguments["classification"],
        arguments["description"],
        arguments.get("attempts", ()),
        arguments.get("last_error"),
    )
    return Said(f"Escalated. The task is {answer['task_state']} until it is resolved.", answer)


def ask_foreman(builder: Builder, arguments: Arguments) -> Said:
    builder.identify()
    task_id = builder.task_id(arguments.get("task_id"))
    asked = builder.ask(task_id, arguments["question"], arguments.get("options", ()))
    return Said("\n".join(words.of_question(asked)), asked)


def validate_architecture(builder: Builder, arguments: Arguments) -> Said:
    builder.identify()
    task_id = builder.task_id(arguments.get("task_id"))
    if "validation_results" not in arguments:
        checklist = builder.office.get(f"/api/tasks/{task_id}")["checklist"]
        lines = [f"- {section}: {item}" for section, items in checklist.items() for item in items]
        return Said("\n".join(["The checklist:", *lines]), {"checklist": checklist})
    answer = builder.validate(task_id, arguments["validation_results"])
    lines = [f"Validated: {answer['build_readiness']}, {answer['pass_rate']:g} % pass."]
    return Said(
        "\n".join([*lines, *(f"- failed: {item}" for item in answer["failed_items"])]), answer
    )


TOOLS = {
    tool.name: tool
    for tool in (
        AgentTool(
            "get_assignment",
            "Get the assignment",
            "Read the task that is assigned to you: what to build, its acceptance criteria, the"
            " failing tests, open blockers, and which conditions of completion are not met yet."
            " Call it first, and again after a refusal or a long pause.",
            {
                "wait_seconds": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": LONGEST_WAIT,
                    "description": "Wait so long for a task if there is none.",
                }
            },
            (),
            get_assignment,
            only_reads=True,
        ),
        AgentTool(
            "report_progress",
            "Report progress",
            "Say what you are doing. Call it when you begin a step, when a step is done, and at"
            " least as often as the last answer asked for: a builder that is not heard counts as"
            " stalled. Before a long step say in next_within_seconds how long it takes.",
            {
                "message": text("What you are doing now, in a sentence."),
                "progress_percentage": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": 100,
                    "description": "How much of the task is done.",
                },
                "status": {
                    "type": "string",
                    "enum": ["active", "idle", "blocked"],
                    "description": "active unless you wait (idle) or cannot go on (blocked).",
                },
                "next_within_seconds": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 86_400,
                    "description": "Announces a long step; an hour counts at most.",
                },
                "task_id": TASK,
            },
            ("message",),
            report_progress,
        ),
        AgentTool(
            "report_test_run",
            "Report a test run",
            "Report a run of the task's whole test suite, each time you have run it and once more"
            " after your last change. Name the files that the test runner wrote (JUnit XML, TRX,"
            " NUnit, CTRF, TAP, go test -json); give counts only if it writes none. Always send"
            " exit_code. The answer says what changed and what speaks against the run.",
            {
                "files": {
                    "type": "array",
                    "items": {"type": "string", "minLength": 1},
                    "minItems": 1,
                    "maxItems": 1000,
                    "description": "Paths of the report; several are joined into one run.",
                },
                "passing": count("Tests that pass; only without files."),
                "failing": count("Tests that fail; only without files."),
                "skipped": count("Tests that were skipped; only without files."),
                "test_debt_count": count("Skipped, stubbed or expected-fail tests."),
                "exit_code": {"type": "integer", "description": "With what the runner ended."},
                "task_id": TASK,
            },
            (),
            report_test_run,
        ),
        AgentTool(
            "claim_completion",
            "Claim completion",
            "Claim that the task is done, after you have reported a run in which all tests pass."
            " If the office refuses, the answer lists each condition that is not met and what"
            " meets it: do that, then claim again.",
            {
                "evidence_location": text(
                    "Where the evidence is, if the task has no location yet.", 1000
                ),
                "task_id": TASK,
            },
            (),
            claim_completion,
        ),
        AgentTool(
            "escalate",
            "Escalate",
            "Report what blocks the task, when you cannot go on by yourself: tests contradict the"
            " architecture, requirements cannot be met, a protected path would have to change, or"
            " the same attempt keeps failing. The task is blocked until a person resolves it.",
            {
                "classification": {
                    "type": "string",
                    "enum": list(CLASSIFICATIONS),
                    "description": "What kind of trouble it is.",
                },
                "description": {**text("What is wrong, for a person."), "pattern": r"\S"},
                "attempts": {
                    "type": "array",
                    "items": {"type": "string", "minLength": 1, "maxLength": 1000},
                    "description": "What you have tried, a line each.",
                },
                "last_error": text("The last error message."),
                "task_id": TASK,
            },
            ("classification", "description"),
            escalate,
        ),
        AgentTool(
            "ask_foreman",
            "Ask the foreman",
            "Put a question to the foreman when a decision is not yours: two readings of the"
            " architecture, a choice with consequences. Name the options if there are any. Do not"
            " ask what the assignment or the tests say. Go on with other work meanwhile: the answer"
            " comes with report_progress and get_assignment.",
            {
                "question": {**text("What you want to know, for a person."), "pattern": r"\S"},
                "options": {
                    "type": "array",
                    "items": {"type": "string", "maxLength": 500, "pattern": r"\S"},
                    "maxItems": 10,
                    "description": "What the foreman may choose from.",
                },
                "task_id": TASK,
            },
            ("question",),
            ask_foreman,
        ),
        AgentTool(
            "validate_architecture",
            "Validate the architecture",
            "Judge the task's architecture by its checklist, before you build if it was not"
            " validated, or when you are asked to. Without validation_results the answer is the"
            " checklist; with them the validation is recorded. Read what the architecture says"
            " before you judge an item; it is ready only if every item passes.",
            {
                "validation_results": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {
                        "type": "object",
                        "minProperties": 1,
                        "additionalProperties": {"type": "boolean"},
                    },
                    "description": "{section: {item: true if it passes}}, for every item.",
                },
                "task_id": TASK,
            },
            (),
            validate_architecture,
        ),
    )
}
