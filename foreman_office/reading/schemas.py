"""The rows of lists, as machines read them."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from builders.models import Backend, Verdict
from governance.models import BlockedEntity, Classification, QAStatus
from programs.models import BuilderName, State, TaskState

NEXT = Field(description="Send it as `after` for the rows that follow; null after the last.")


class ProgramRow(Schema):
    program_id: UUID
    name: str
    state: State
    progress_percentage: int
    due_on: date | None
    created_at: datetime
    updated_at: datetime


class WaveRow(Schema):
    wave_id: UUID
    name: str
    program_id: UUID
    program: str
    sequence_number: int
    dependencies: list[UUID]
    state: State
    progress_percentage: int
    due_on: date | None
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def resolve_program(wave: Any) -> str:
        return str(wave.program.name)


class TaskRow(Schema):
    task_id: UUID
    name: str
    wave_id: UUID
    wave: str
    program_id: UUID
    program: str
    state: TaskState
    planned_builder: BuilderName | None
    assigned_builder: BuilderName | None
    progress_percentage: int
    due_on: date | None
    latest_qa: QAStatus | None = Field(description="Of the latest run of its suite.")
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime

    @staticmethod
    def resolve_wave(task: Any) -> str:
        return str(task.wave.name)

    @staticmethod
    def resolve_program_id(task: Any) -> UUID:
        return task.wave.program_id  # type: ignore[no-any-return]

    @staticmethod
    def resolve_program(task: Any) -> str:
        return str(task.wave.program.name)


class BuilderRow(Schema):
    builder_id: BuilderName
    backend_type: Backend
    verdict: Verdict
    verdict_since: datetime | None
    task_id: UUID | None
    last_heard: datetime | None

    @staticmethod
    def resolve_task_id(builder: Any) -> UUID | None:
        return builder.current_task_id  # type: ignore[no-any-return]

    @staticmethod
    def resolve_last_heard(builder: Any) -> datetime | None:
        return builder.pulse  # type: ignore[no-any-return]


class RunRow(Schema):
    execution_id: UUID
    task_id: UUID
    task: str
    qa_suite_location: str
    qa_status: QAStatus
    executed_at: datetime
    arrived_at: datetime | None
    total_tests: int
    passing_tests: int
    failing_tests: int
    skipped_tests: int
    test_debt_count: int
    execution_time_ms: int | None
    against: list[str]

    @staticmethod
    def resolve_task(run: Any) -> str:
        return str(run.task.name)


class BlockerRow(Schema):
    blocker_id: UUID
    entity_type: BlockedEntity
    entity_id: UUID
    classification: Classification
    description: str
    occurrences: int
    detected_at: datetime
    resolved_at: datetime | None
    resolution_action: str | None


class DecisionRow(Schema):
    key: str = Field(description="The same for as long as the problem lasts.")
    band: Literal["broken", "waiting"]
    kind: str
    title: str
    entity_type: str | None
    entity_id: str | None
    entity: str | None
    since: datetime
    happened: str
    impact: str
    if_nothing_is_done: str
    acknowledged_by: str | None = Field(description="Who said to have it.")
    assigned_to: str | None
    snoozed_by: str | None
    snoozed_until: datetime | None = Field(
        description="Null, with `snoozed_by`: until it gets worse."
    )


class Programs(Schema):
    programs: list[ProgramRow]
    next: str | None = NEXT


class Waves(Schema):
    waves: list[WaveRow]
    next: str | None = NEXT


class Tasks(Schema):
    tasks: list[TaskRow]
    next: str | None = NEXT


class Builders(Schema):
    builders: list[BuilderRow]
    next: str | None = NEXT


class Runs(Schema):
    runs: list[RunRow]
    next: str | None = NEXT


class Blockers(Schema):
    blockers: list[BlockerRow]
    next: str | None = NEXT


class Decisions(Schema):
    decisions: list[DecisionRow]
    next: str | None = NEXT
