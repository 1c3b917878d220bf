"""The instruction that a builder works by: what is to be built to green, and how it is reported."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from ninja import Schema
from pydantic import Field

from builders.models import Builder
from foreman_office.kit.templatetags.kit import criterion
from governance.gates import conditions
from governance.messages import Failure, Met, failed_items
from governance.models import Blocker, Classification, QAStatus, Readiness, TestOutcome
from governance.quality import latest_run
from programs.models import BuilderName, Task, TaskState

# Names enough to work by; a suite may have thousands.
FAILING_NAMED = 100


class Plan(Schema):
    program_id: UUID
    name: str
    description: str
    objectives: Any


class Step(Schema):
    wave_id: UUID
    name: str
    sequence_number: int


class Architecture(Schema):
    reference: str
    build_readiness: Readiness | None = Field(description="Of the latest validation, or null.")
    pass_rate: float | None
    validated_at: datetime | None
    failed_items: list[str]


class Suite(Schema):
    location: str
    qa_status: QAStatus | None = Field(description="Of the latest run; null if it never ran.")
    executed_at: datetime | None
    total_tests: int
    passing_tests: int
    failing_tests: int
    skipped_tests: int
    test_debt_count: int
    failing: list[Failure] = Field(
        description=f"The first {FAILING_NAMED} tests that fail, where the latest run names them."
    )


class OpenBlocker(Schema):
    blocker_id: UUID
    entity_type: str
    classification: Classification
    description: str
    detected_at: datetime
    occurrences: int


class Report(Schema):
    """Where to say what."""

    what: str
    method: str
    path: str
    content_types: list[str]
    body: str


class Instruction(Schema):
    """Build to Green: all that a builder needs to know of the task in its hands."""

    instruction: str
    task_id: UUID
    name: str
    state: TaskState
    progress_percentage: int
    program: Plan
    wave: Step
    architecture: Architecture
    suite: Suite
    acceptance_criteria: list[str]
    evidence_location: str | None
    open_blockers: list[OpenBlocker] = Field(
        description="Of the task, and of its wave and program, which hold it up too."
    )
    completion: list[Met] = Field(description="Each condition of completion, as it stands now.")
    reports: list[Report]


class Assignment(Schema):
    builder_id: BuilderName
    task: Instruction | None = Field(description="The task in the builder's hands, or null.")


def instruction(task: Task) -> Instruction:
    suite = suite_of(task)
    wave, program = task.wave, task.wave.program
    blockers = [
        blocker
        for entity in (task, wave, program)
        for blocker in Blocker.objects.of(entity).open().order_by("detected_at")
    ]
    return Instruction(
        instruction=in_words(task, suite),
        task_id=task.pk,
        name=task.name,
        state=task.state,
        progress_percentage=task.progress_percentage,
        program=Plan.from_orm(program),
        wave=Step.from_orm(wave),
        architecture=architecture_of(task),
        suite=suite,
        acceptance_criteria=[
            criterion(line) for line in task.acceptance_criteria.splitlines() if line.strip()
        ],
        evidence_location=task.evidence_location or None,
        open_blockers=[OpenBlocker.from_orm(blocker) for blocker in blockers],
        completion=Met.all(conditions(task, Task.State.COMPLETED)),
        reports=reports(task),
    )


def in_words(task: Task, suite: Suite) -> str:
    if suite.qa_status is None:
        present = "it has never run"
    else:
        present = f"{suite.failing_tests} of its {suite.total_tests} tests fail"
        if suite.skipped_tests:
            present += f" and {suite.skipped_tests} are skipped"
    return (
        f"Build to Green: make {suite.location or 'the suite'} pass as a whole ({present}), by"
        f" building what {task.architecture_reference or 'the architecture'} describes. No test"
        " may vanish, be renamed or be skipped, and no test debt may be left. Run the suite and"
        " report the run after the last change; then claim that the task is done."
    )


def architecture_of(task: Task) -> Architecture:
    reference = task.architecture_reference
    latest = (
        task.validations.filter(architecture_reference=reference)
        .order_by("-validated_at", "-validation_id")
        .first()
    )
    return Architecture(
        reference=reference,
        build_readiness=latest and latest.build_readiness,
        pass_rate=latest and latest.pass_rate,
        validated_at=latest and latest.validated_at,
        failed_items=failed_items(latest) if latest else [],
    )


def suite_of(task: Task) -> Suite:
    run = latest_run(task)
    counts = ["total_tests", "passing_tests", "failing_tests", "skipped_tests", "test_debt_count"]
    failing = (
        run.results.filter(outcome=TestOutcome.FAILED).order_by("name")[:FAILING_NAMED]
        if run
        else ()
    )
    return Suite(
        location=task.qa_suite_location,
        qa_status=run and run.qa_status,
        executed_at=run and run.executed_at,
        failing=[Failure.from_orm(result) for result in failing],
        **{name: getattr(run, name) if run else 0 for name in counts},
    )


def reports(task: Task) -> list[Report]:
    def report(what: str, operation: str, body: str, *more: str) -> Report:
        own = {} if operation == "heartbeat" else {"task_id": task.pk}
        return Report(
            what=what,
            method="POST",
            path=reverse(f"api:{operation}", kwargs=own),
            content_types=["application/json", *more],
            body=body,
        )

    interval = settings.FOREMAN_HEARTBEAT_INTERVAL_SECONDS
    return [
        report(
            f"A heartbeat, at least every {interval} s",
            "heartbeat",
            "{builder_id, task_id, status, message, progress_percentage}",
        ),
        report(
            "A run of the suite",
            "qa_run",
            "JUnit XML, or {passing, failing, skipped, test_debt_count, tests}",
            "application/xml",
        ),
        report("That the task is done", "claim", "{evidence_location}"),
        report(
            "What holds the task up",
            "escalation",
            "{classification, description, attempts, last_error}",
        ),
        report("A check of the architecture", "validation", "{validation_results}"),
    ]


def assignment_of(builder: Builder) -> Assignment:
    task = builder.current_task
    return Assignment(builder_id=builder.pk, task=task and instruction(task))
