"""The instruction of a task: what is to be built to green, and where it is reported."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from ninja import Schema
from pydantic import Field

from builders.models import Builder
from foreman_office.api.schemas.changes import Failure
from foreman_office.api.schemas.claims import Met
from foreman_office.api.schemas.notes import ListedLink, ListedNote, links_of, notes_of
from foreman_office.api.schemas.questions import AskedQuestion, asked_about
from foreman_office.api.schemas.validations import failed_items
from foreman_office.checklists import usual_items
from governance.gates import conditions
from governance.models import Blocker, Classification, QAStatus, Readiness, TestOutcome
from governance.quality import latest_run
from kit.web.templatetags.display import criterion
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
    against: list[str] = Field(description="What speaks against the latest run beside its tests.")
    total_tests: int
    passing_tests: int
    failing_tests: int
    skipped_tests: int
    test_debt_count: int
    failing: list[Failure] = Field(
        description=f"The first {FAILING_NAMED} tests that fail, if the latest run names them."
    )


class OpenBlocker(Schema):
    blocker_id: UUID
    entity_type: str
    classification: Classification
    description: str
    detected_at: datetime
    occurrences: int


class Report(Schema):
    """Where to report what."""

    what: str
    method: str
    path: str
    content_types: list[str]
    body: str


class Instruction(Schema):
    """Build to Green: everything that a builder needs to know about its task."""

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
    due_on: date | None = Field(
        description="The last day, in UTC, on which the task is in time; null if none is set."
    )
    open_blockers: list[OpenBlocker] = Field(
        description="Of the task, and of its wave and program, which block it too."
    )
    questions: list[AskedQuestion] = Field(
        description="What builders asked the foreman about the task, newest first."
    )
    links: list[ListedLink] = Field(description="Newest first.")
    notes: list[ListedNote] = Field(description="The newest, newest first.")
    completion: list[Met] = Field(
        description="The conditions of completion, and whether each is met."
    )
    reports: list[Report]


class TaskRead(Instruction):
    """A task as it is, for a caller that may report about it before it is assigned, too."""

    planned_builder: BuilderName | None
    assigned_builder: BuilderName | None
    held_by: BuilderName | None = Field(description="The builder that has the task now, or null.")
    assignment: list[Met] = Field(
        description="The conditions of assigning a planned task, and whether each is met."
    )
    checklist: dict[str, list[str]] = Field(
        description="What a validation of the architecture looks at: {section: [item]}."
    )


class Assignment(Schema):
    builder_id: BuilderName
    task: Instruction | None = Field(description="The builder's task, or null.")
    next_heartbeat_due_at: datetime | None = Field(
        description="By the office's clock; null if the builder was never heard."
    )


def instruction(task: Task) -> Instruction:
    suite = suite_of(task)
    wave, program = task.wave, task.wave.program
    blockers = [
        blocker
        for entity in (task, wave, program)
        for blocker in Blocker.objects.of(entity).open().order_by("detected_at")
    ]
    return Instruction(
        instruction=prompt_text(task, suite),
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
        due_on=task.due_on,
        open_blockers=[OpenBlocker.from_orm(blocker) for blocker in blockers],
        questions=asked_about(task),
        links=links_of(task),
        notes=notes_of(task),
        completion=Met.all(conditions(task, Task.State.COMPLETED), task),
        reports=reports(task),
    )


def task_read(task: Task) -> TaskRead:
    asked = []
    if task.state == TaskState.PLANNED:
        name = task.builder_before_assignment
        builder = Builder.objects.get(pk=name) if name else None
        asked = conditions(task, TaskState.ASSIGNED, builder=builder)
    checklist: dict[str, list[str]] = {}
    for section, item in usual_items(task.wave.program):
        checklist.setdefault(section, []).append(item)
    holder = task.holders.first()
    return TaskRead(
        **dict(instruction(task)),
        planned_builder=task.planned_builder,
        assigned_builder=task.assigned_builder,
        held_by=holder and holder.pk,
        assignment=Met.all(asked, task),
        checklist=checklist,
    )


def prompt_text(task: Task, suite: Suite) -> str:
    location = suite.location or "the suite"
    if task.state == TaskState.COMPLETED:
        return f"Completed ({counts_text(suite)} in {location}). Nothing is left to do."
    return (
        f"Build to Green: make {location} pass as a whole ({counts_text(suite)}), by"
        f" building what {task.architecture_reference or 'the architecture'} describes. No test"
        " may be removed, renamed or skipped, and no test debt may remain. Run the suite and"
        " report the run after the last change; then claim that the task is done."
    )


def counts_text(suite: Suite) -> str:
    """Return how the latest run of a suite ended: "3 of its 4 tests fail and 1 is skipped"."""
    if suite.qa_status is None:
        return "it has never run"
    failing, skipped, total = suite.failing_tests, suite.skipped_tests, suite.total_tests
    parts = []
    if failing:
        parts.append(f"{failing} of its {total} tests {'fails' if failing == 1 else 'fail'}")
    if skipped:
        parts.append(f"{skipped} {'is' if skipped == 1 else 'are'} skipped")
    if not parts:
        parts.append(f"all {total} tests pass" if total else "it has no tests")
    if suite.against:
        parts.append("something speaks against the run")
    return " and ".join(parts)


def architecture_of(task: Task) -> Architecture:
    reference = task.architecture_reference
    latest = (
        task.validations.filter(architecture_reference=reference)
        .order_by("-validated_at", "-recorded")
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
        against=run.against if run else [],
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
            "What blocks the task",
            "escalation",
            "{classification, description, attempts, last_error}",
        ),
        report("A question to the foreman", "questions", "{question, options}"),
        report("A link to a commit, pull request, log or artefact", "links", "{kind, url, label}"),
        report("A note in Markdown", "notes", "{text}"),
        report("A validation of the architecture", "validation", "{validation_results}"),
    ]


def assignment_of(builder: Builder) -> Assignment:
    task = builder.current_task
    return Assignment(
        builder_id=builder.pk,
        task=task and instruction(task),
        next_heartbeat_due_at=builder.next_due_at,
    )
