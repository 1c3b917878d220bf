"""What notes can be written on: found by kind and key, with its name, its page and its evidence."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404
from django.urls import reverse

from builders.models import Builder
from governance.entities import find_entities
from governance.models import (
    ArchitectureValidation,
    Blocker,
    EntityNote,
    GovernanceViolation,
    NotedKind,
    Notice,
    QAExecution,
)
from kit.core.acts import FOREMAN
from programs.models import Program, Task, TaskNote, Wave

TASK = "task"
ROWS: dict[str, type[Model]] = {
    TASK: Task,
    NotedKind.PROGRAM: Program,
    NotedKind.WAVE: Wave,
    NotedKind.BUILDER: Builder,
    NotedKind.BLOCKER: Blocker,
    NotedKind.RUN: QAExecution,
    NotedKind.VIOLATION: GovernanceViolation,
    NotedKind.VALIDATION: ArchitectureValidation,
}
LABELS = {TASK: "task", **dict(NotedKind.choices)}


@dataclass(frozen=True)
class NotedSubject:
    """What a note is about, and the entity about which its evidence is."""

    kind: str
    key: str
    name: str
    row: Any = None
    entity: Any = None

    @property
    def address(self) -> str:
        """Return the page on which it is shown."""
        if self.kind == NotedKind.DECISION:
            return reverse("decision", args=[self.key])
        shown = self.row if self.kind == NotedKind.RUN else self.entity
        return str(shown.get_absolute_url()) if shown else reverse("inbox")

    @property
    def notes(self) -> QuerySet[Any]:
        """Return its notes, newest first."""
        if self.kind == TASK:
            rows: QuerySet[Any] = TaskNote.objects.filter(task_id=self.key)
        else:
            rows = EntityNote.objects.filter(about_kind=self.kind, about_key=self.key)
        return rows.order_by("-written_at", "-note_id")

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of a note on it."""
        entity = self.entity
        kind = entity._meta.model_name if entity else NotedKind.BUILDER
        # Of what is about no part of the plan, the evidence is about the foreman.
        key = (entity or Builder(pk=FOREMAN)).entity_id if kind == "builder" else entity.pk
        return {
            "about_kind": self.kind,
            "about_key": self.key,
            "about_name": self.name,
            "entity_type": kind,
            "entity_id": key,
        }


def find_subject(kind: str, key: str) -> NotedSubject:
    """Return what notes of a kind and key are about; raises `Http404` where there is nothing."""
    if kind == NotedKind.DECISION:
        return _decision(key)
    model = ROWS.get(kind)
    if model is None or (model is not Builder and not _is_uuid(key)):
        raise Http404("There is no such thing to write notes on.")
    row: Any = model._default_manager.filter(pk=key).first()
    if row is None:
        raise Http404(f"There is no such {LABELS[kind]}.")
    entity = _entity_of(row)
    name = str(row) if row is entity else f"{LABELS[kind]} of “{entity or 'nothing'}”"
    return NotedSubject(kind, str(row.pk), name, row, entity)


def _entity_of(row: Any) -> Any:
    match row:
        case Blocker():
            return find_entities([(row.entity_type, row.entity_id)]).get(
                (row.entity_type, row.entity_id)
            )
        case GovernanceViolation():
            return row.task or row.builder
        case QAExecution() | ArchitectureValidation():
            return row.task
    return row


def _decision(key: str) -> NotedSubject:
    notice = Notice.objects.filter(key=key).order_by("-opened_at").first()
    if notice is None:
        raise Http404("There is no such decision, or no sweep has noted it yet.")
    entity: Any = None
    if notice.entity_type in ROWS:
        entity = ROWS[notice.entity_type]._default_manager.filter(pk=notice.entity_id).first()
    return NotedSubject(NotedKind.DECISION, key, str(notice), notice, entity)


def _is_uuid(key: str) -> bool:
    try:
        return bool(UUID(key))
    except ValueError:
        return False
