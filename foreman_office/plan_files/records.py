"""The records of a plan file, and what each means for the database.

A field is named as its column, with the file's own word as alias. What has no column is a remark.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    model_validator,
)

from builders.models import Backend
from builders.models import Builder as BuilderRow
from foreman_office.plan_files.field_types import (
    INTEGER,
    BuilderKey,
    Day,
    Id,
    Indexed,
    IndexedName,
    Key,
    Ordinal,
    Percent,
    Time,
    Tree,
    in_choices,
)
from foreman_office.plan_files.reading import RecordPlace
from foreman_office.plan_files.record_base import (
    KeyedRecord,
    RecordWithRemarks,
    ReportError,
    Structured,
    check_order,
)
from foreman_office.plan_files.task_records import (
    HeartbeatRecord,
    QARunRecord,
    ValidationRecord,
    ViolationRecord,
)
from governance import models as judgement
from kit.core.acts import FOREMAN
from kit.core.bounds import too_long
from programs import models as plan
from programs.models import State, TaskState, ValidatedBy

FORMAT_VERSION = 1


class TaskRecord(KeyedRecord):
    kind = "task"
    table = plan.Task

    name: IndexedName
    assigned_builder: BuilderKey | None = None
    planned_builder: BuilderKey | None = None
    collaborating_builders: list[BuilderKey] | None = None
    state: Annotated[str, in_choices(TaskState)] = TaskState.PLANNED.value
    progress_percentage: Percent | None = None
    architecture_reference: str = ""
    qa_suite_location: Indexed = ""
    acceptance_criteria: str = ""
    due_on: Day | None = None
    evidence_location: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    started_at: Time | None = None
    completed_at: Time | None = None
    worked_at: Time | None = None
    work_received_at: Time | None = None
    validations: list[ValidationRecord] = []
    qa_runs: list[QARunRecord] = []
    violations: list[ViolationRecord] = []
    heartbeats: list[HeartbeatRecord] = []

    def apply_defaults(self, report_error: ReportError) -> None:
        if self.progress_percentage is None:
            self.progress_percentage = 100 if self.state == TaskState.COMPLETED else 0
        check_order(self, "started_at", "completed_at", report_error)


class WaveRecord(KeyedRecord):
    kind = "wave"
    table = plan.Wave

    name: IndexedName
    sequence_number: Ordinal
    description: str | None = None
    dependencies: list[Key] = []
    due_on: Day | None = None
    state: Annotated[str, in_choices(State)] = State.PLANNED.value
    created_at: Time | None = None
    updated_at: Time | None = None
    tasks: list[TaskRecord] = []


class ProgramRecord(KeyedRecord):
    kind = "program"
    table = plan.Program

    name: IndexedName
    description: str = ""
    objectives: list[str] = []
    state: Annotated[str, in_choices(State)] = State.PLANNED.value
    evidence_location: str | None = None
    created_by: Id | None = None
    organisation_id: Id | None = None
    validation_checklist: list[str] = []
    validated_by: Annotated[str, in_choices(ValidatedBy)] = ValidatedBy.FOREMAN.value
    allows_pull: bool = False
    due_on: Day | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    waves: list[WaveRecord] = []

    @classmethod
    def is_omitted(cls, name: str, value: Any) -> bool:
        usual = {"validated_by": ValidatedBy.FOREMAN, "allows_pull": False}
        return super().is_omitted(name, value) or (name in usual and value == usual[name])


class BuilderRecord(RecordWithRemarks):
    kind = "builder"
    table = BuilderRow

    builder_id: BuilderKey
    backend_type: Annotated[str, in_choices(Backend)] | None = None
    provenance: Tree = {}

    @property
    def key(self) -> str:
        return self.builder_id


class BlockerRecord(KeyedRecord):
    kind = "blocker"
    table = judgement.Blocker

    entity_type: Annotated[str, in_choices(judgement.BlockedEntity)]
    entity: Key
    classification: Annotated[str, in_choices(judgement.Classification)]
    description: str = ""
    detected_at: Time
    resolved_at: Time | None = None
    resolution_action: str | None = None
    occurrences: Annotated[int, Field(ge=1, le=INTEGER)] = 1

    def apply_defaults(self, report_error: ReportError) -> None:
        check_order(self, "detected_at", "resolved_at", report_error)

    @classmethod
    def is_omitted(cls, name: str, value: Any) -> bool:
        return super().is_omitted(name, value) or (name == "occurrences" and value == 1)


class EvidenceRecord(RecordWithRemarks):
    """A line of the trail. One with a key is the file's; one with an id is kept word for word."""

    kind = "evidence"
    table = judgement.Evidence

    key: Key | None = None
    id: Id | None = None
    entity_type: Annotated[str, in_choices(judgement.EvidenceEntity)]
    entity: Key
    action: IndexedName
    actor: IndexedName | None = None
    backend: str | None = None
    model: str | None = None
    timestamp: Time
    context: Tree = {}

    def apply_defaults(self, report_error: ReportError) -> None:
        if (self.key is None) == (self.id is None):
            report_error(self, None, "needs either a key or an id")
            return
        if reason := too_long(str(self.context.get("user", ""))):
            report_error(self, "context", f"user {reason}")
        if self.id and (self.actor is None or any(getattr(self, name) for name in self.unstored)):
            report_error(
                self, None, "with an id needs an actor, and its remarks are in its context"
            )
        if self.key:
            for name in self.context.keys() & {*OWN_CONTEXT, *self.unstored}:
                report_error(self, "context", f"{name} belongs beside the context, not in it")
            recorded = self._recorded().get("timestamp")
            self.context = {"key": self.key, **self.context}
            if self.actor is None:
                self.actor = FOREMAN
                self.context["actor_recorded"] = False
            self.context |= {
                name: getattr(self, name) for name in self.unstored if getattr(self, name)
            }
            if recorded:
                self.context["recorded"] = {"timestamp": recorded}
        elif "import" in self.context:
            report_error(self, "context", "an import writes this evidence itself")


# What an evidence record of the file has in its context beside its own words.
OWN_CONTEXT = ["key", "actor_recorded", "recorded", "import"]


class File(Structured):
    """A whole plan file."""

    format_version: int
    program: Any  # a Program, checked by then
    builders: list[BuilderRecord] = []
    blockers: list[BlockerRecord] = []
    evidence: list[EvidenceRecord] = []

    @classmethod
    def _parts(cls) -> Iterator[tuple[str, RecordPlace]]:
        yield "program", RecordPlace(ProgramRecord, "program", many=False)
        yield from super()._parts()

    @model_validator(mode="wrap")
    @classmethod
    def _known_version(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        version = data.get("format_version", FORMAT_VERSION) if isinstance(data, dict) else None
        if isinstance(version, int) and version != FORMAT_VERSION:
            raise ValueError(f"format_version {version} is not supported; this office reads 1")
        if not isinstance(data, dict):
            raise ValueError("a plan file is a mapping that begins with format_version: 1")
        return handler({key: value for key, value in data.items() if value is not None})
