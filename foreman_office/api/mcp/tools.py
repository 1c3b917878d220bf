"""The tools: what each takes, when an agent is to use it, and the act of the API that it calls."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.http import HttpRequest
from pydantic import BaseModel, Field

from builders.models import Builder, HeartbeatStatus
from foreman_office.api import tasks
from foreman_office.api.callers import calling_builder
from foreman_office.api.heartbeat import Beat, stored_beat
from foreman_office.api.idempotency import Answer
from foreman_office.api.instruction import task_read
from foreman_office.api.questions import put_question
from foreman_office.api.schemas.claims import Claim
from foreman_office.api.schemas.escalations import Escalation
from foreman_office.api.schemas.fields import Count, ExitCode, Taken, Words
from foreman_office.api.schemas.qa_runs import QARun, TestOfRun
from foreman_office.api.schemas.questions import NewQuestion
from foreman_office.api.schemas.validations import Results
from foreman_office.api.waiting import LONGEST, awaited_assignment
from foreman_office.reports import MAX_TESTS, Unreadable, read_report
from kit.web.api import Problem
from programs.models import Task

BEATS = UUID("6b1f0f57-9d0c-5a0e-8f0a-2f4d6c7b9e31")  # the namespace of keys of heartbeats
OTHER_TASK = "Only for another task than the assigned one."


class Asked:
    """Who calls a tool, by which request, and with which idempotency key, if there is one."""

    def __init__(self, request: HttpRequest, name: str) -> None:
        self.request, self.name = request, name
        self.key, self.digest = "", b""

    @property
    def token(self) -> str:
        return self.request.headers["Authorization"].partition(" ")[2]

    @cached_property
    def builder(self) -> Builder:
        return calling_builder(self.name)

    def task_id(self, given: UUID | None) -> UUID:
        """Return the task that a call is about: the one that it names, or the assigned one."""
        if found := given or self.builder.current_task_id:
            return found
        raise Problem(404, "task_id", "held_task", "No task is assigned to you.")

    def act(self, given: UUID | None, do: tasks.Do, find: tasks.Find) -> Answer:
        """Execute an act on a task, once for each key.

        Which task is assigned is asked after the key: a claim that is accepted ends that.
        """

        def found(_: UUID | None, by: Any) -> Task:
            return find(self.task_id(given), by)

        return tasks.act_on_task(self.builder, given, do, found, self.key, self.digest)


class Tool(NamedTuple):
    name: str
    title: str
    description: str
    takes: type[BaseModel]
    call: Callable[[Asked, Any], Answer]
    only_reads: bool = False


def as_answer(status: int, body: BaseModel) -> Answer:
    return Answer(status, body.model_dump_json())


# --- what the tools take --------------------------------------------------------------------------


class Wait(Taken):
    wait_seconds: int = Field(
        0, ge=0, le=LONGEST, strict=True, description="Wait so long for a task if there is none."
    )


class ProgressReport(Taken):
    message: Words = Field(description="What you are doing now, in a sentence.")
    progress_percentage: int | None = Field(
        None, ge=0, le=100, strict=True, description="How much of the task is done."
    )
    status: HeartbeatStatus = Field(
        HeartbeatStatus.ACTIVE,
        validate_default=True,
        description="active unless you wait (idle) or cannot go on (blocked).",
    )
    next_within_seconds: int | None = Field(
        None,
        ge=1,
        le=86_400,
        strict=True,
        description="Announces a long step; an hour counts at most.",
    )
    task_id: UUID | None = Field(None, description=OTHER_TASK)


class Run(Taken):
    report: str | None = Field(
        None, min_length=1, description="The content of the file that the test runner wrote."
    )
    passing: Count | None = Field(None, description="Tests that pass; only without a report.")
    failing: Count | None = Field(None, description="Tests that fail; only without a report.")
    skipped: Count = Field(0, description="Tests that were skipped; only without a report.")
    tests: list[TestOfRun] = Field(
        [], max_length=MAX_TESTS, description="The tests by name; only without a report."
    )
    test_debt_count: Count = Field(0, description="Skipped, stubbed or expected-fail tests.")
    exit_code: ExitCode | None = Field(
        None, strict=True, description="With what the runner ended; other than 0 is not GREEN."
    )
    task_id: UUID | None = Field(None, description=OTHER_TASK)


class ClaimOfTask(Claim):
    task_id: UUID | None = Field(None, description=OTHER_TASK)


class EscalationOfTask(Escalation):
    task_id: UUID | None = Field(None, description=OTHER_TASK)


class QuestionAboutTask(NewQuestion):
    task_id: UUID | None = Field(None, description=OTHER_TASK)


class Judgement(Taken):
    validation_results: Results | None = Field(
        None, description="{section: {item: true if it passes}}, for every item."
    )
    task_id: UUID | None = Field(None, description=OTHER_TASK)


# --- what they do ---------------------------------------------------------------------------------


def assignment_tool(asked: Asked, wait: Wait) -> Answer:
    told, _ = awaited_assignment(asked.request, "", wait.wait_seconds)
    return as_answer(200, told)


def progress_tool(asked: Asked, progress: ProgressReport) -> Answer:
    told = progress.model_dump(include={"status", "message", "progress_percentage"})
    told["builder_id"] = asked.name
    told["task_id"] = progress.task_id or asked.builder.current_task_id
    told["next_beat_within_seconds"] = progress.next_within_seconds
    if asked.key:
        told["heartbeat_id"] = uuid5(BEATS, f"{asked.name} {asked.key}")
    beat = Beat.model_validate(told)
    return as_answer(201, stored_beat(asked.token, beat))


def run_tool(asked: Asked, run: Run) -> Answer:
    counts = run.model_dump(include={"passing", "failing", "skipped", "tests"}, exclude_unset=True)
    if bool(run.report) == bool(counts):
        message = "Give either the report, or the counts passing and failing."
        raise Problem(422, "report", "report", message)
    try:
        report = read_report(run.report.encode()) if run.report else None
    except Unreadable as unreadable:
        raise Problem(422, "report", "report", str(unreadable)) from None
    found = (report or QARun(**counts).as_report()).ended_with(run.exit_code)
    do = tasks.record_run(found, run.test_debt_count)
    return asked.act(run.task_id, do, tasks.reported_task)


def claim_tool(asked: Asked, claim: ClaimOfTask) -> Answer:
    do = tasks.claim_done(claim.evidence_location)
    return asked.act(claim.task_id, do, tasks.held_task)


def escalation_tool(asked: Asked, escalation: EscalationOfTask) -> Answer:
    do = tasks.escalate_blocker(escalation)
    return asked.act(escalation.task_id, do, tasks.held_task)


def question_tool(asked: Asked, question: QuestionAboutTask) -> Answer:
    do = put_question(question)
    return asked.act(question.task_id, do, tasks.held_task)


def validation_tool(asked: Asked, judgement: Judgement) -> Answer:
    if judgement.validation_results is None:
        told = task_read(tasks.readable_task(asked.task_id(judgement.task_id), asked.builder))
        return Answer(200, told.model_dump_json(include={"checklist"}))
    do = tasks.record_judgement(judgement.validation_results)
    return asked.act(judgement.task_id, do, tasks.validated_task)


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "get_assignment",
            "Get the assignment",
            "Read the task that is assigned to you: what to build, its acceptance criteria, the"
            " failing tests, open blockers, and which conditions of completion are not met yet."
            " Call it first, and again after a refusal or a long pause.",
            Wait,
            assignment_tool,
            only_reads=True,
        ),
        Tool(
            "report_progress",
            "Report progress",
            "Say what you are doing. Call it when you begin a step, when a step is done, and at"
            " least as often as the last answer asked for: a builder that is not heard counts as"
            " stalled. Before a long step say in next_within_seconds how long it takes.",
            ProgressReport,
            progress_tool,
        ),
        Tool(
            "report_test_run",
            "Report a test run",
            "Report a run of the task's whole test suite, each time you have run it and once more"
            " after your last change. Send what the test runner wrote (JUnit XML, TRX, NUnit,"
            " CTRF, TAP, go test -json); give counts only if it writes nothing. Always send"
            " exit_code. The answer says what changed and what speaks against the run.",
            Run,
            run_tool,
        ),
        Tool(
            "claim_completion",
            "Claim completion",
            "Claim that the task is done, after you have reported a run in which all tests pass."
            " If the office refuses, the answer lists each condition that is not met and what"
            " meets it: do that, then claim again.",
            ClaimOfTask,
            claim_tool,
        ),
        Tool(
            "escalate",
            "Escalate",
            "Report what blocks the task, when you cannot go on by yourself: tests contradict the"
            " architecture, requirements cannot be met, a protected path would have to change, or"
            " the same attempt keeps failing. The task is blocked until a person resolves it.",
            EscalationOfTask,
            escalation_tool,
        ),
        Tool(
            "ask_foreman",
            "Ask the foreman",
            "Put a question to the foreman when a decision is not yours: two readings of the"
            " architecture, a choice with consequences. Name the options if there are any. Do not"
            " ask what the assignment or the tests say. Go on with other work meanwhile: the answer"
            " comes with report_progress and get_assignment.",
            QuestionAboutTask,
            question_tool,
        ),
        Tool(
            "validate_architecture",
            "Validate the architecture",
            "Judge the task's architecture by its checklist, before you build if it was not"
            " validated, or when you are asked to. Without validation_results the answer is the"
            " checklist; with them the validation is recorded. Read what the architecture says"
            " before you judge an item; it is ready only if every item passes.",
            Judgement,
            validation_tool,
        ),
    )
}
