"""What needs a person, and why: the list that the overview begins with and the title counts."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Exists, Model, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from builders.models import Builder
from governance.entities import name_entities
from governance.models import Blocker, GovernanceViolation
from governance.trail import lower_first
from programs.models import Program, State, Task, TaskState, Wave

UNWELL = [State.FAILED, State.BLOCKED]


class Matter(NamedTuple):
    """One thing that needs a person: what happened, to what, and since when."""

    look: str
    kind: str
    entity: Model | None
    detail: str
    since: datetime


def open_on(entity_type: str, **more: Any) -> Exists:
    """Tell whether a row of the outer query has an open blocker, which then speaks for it."""
    return Exists(
        Blocker.objects.open().filter(
            entity_type=entity_type, entity_id=OuterRef(more.pop("key", "pk")), **more
        )
    )


def silent_builders(at: datetime) -> QuerySet[Builder]:
    stalled = open_on("task", key="current_task_id", classification="builder_stall")
    return Builder.objects.silent(at).exclude(stalled)


def unwell_tasks() -> QuerySet[Task]:
    violated = Exists(GovernanceViolation.objects.unresolved().filter(task=OuterRef("pk")))
    return Task.objects.filter(state__in=[TaskState.FAILED, TaskState.BLOCKED]).exclude(
        open_on("task") | violated
    )


def unwell_waves() -> QuerySet[Wave]:
    return Wave.objects.filter(state__in=UNWELL).exclude(open_on("wave"))


def unwell_programs() -> QuerySet[Program]:
    return Program.objects.filter(state__in=UNWELL).exclude(open_on("program"))


def count_matters(at: datetime | None = None) -> int:
    """Count what `list_matters` would list, in one query."""
    first, *others = (
        rows.order_by().annotate(one=Value(1)).values_list("one", flat=True)
        for rows in (
            silent_builders(at or now()),
            Blocker.objects.open(),
            GovernanceViolation.objects.unresolved(),
            unwell_programs(),
            unwell_waves(),
            unwell_tasks(),
        )
    )
    return first.union(*others, all=True).count()


def list_matters(at: datetime | None = None, limit: int = 50) -> list[Matter]:
    """List what needs a person, the most costly to leave first, each kind oldest first."""
    return [*_matters(at or now(), limit)][:limit]


def _matters(at: datetime, limit: int) -> Iterator[Matter]:
    for builder in silent_builders(at).select_related("current_task")[:limit]:
        says = "No heartbeat" if builder.pulse else "Never heard from"
        yield Matter(
            "silent",
            "Silent builder",
            builder,
            f"{says}, and “{builder.current_task.name}” is in its hands.",
            builder.verdict_since,
        )
    violations = GovernanceViolation.objects.unresolved().select_related(
        "task__wave__program", "builder"
    )
    for violation in violations.order_by("detected_at")[:limit]:
        yield Matter(
            "violation",
            f"Violation: {violation.violation_type}",
            violation.task or violation.builder,
            violation.description,
            violation.detected_at,
        )
    for blocker in name_entities(Blocker.objects.open().order_by("detected_at")[:limit]):
        yield Matter(
            "open",
            f"Blocker: {lower_first(blocker.get_classification_display())}",
            blocker.entity,
            blocker.description,
            blocker.detected_at,
        )
    for rows in (
        unwell_programs(),
        unwell_waves().select_related("program"),
        unwell_tasks().select_related("wave__program"),
    ):
        # A failed attempt has an end; otherwise the last change is the nearest that is known.
        ended = "completed_at" if rows.model is Task else None
        since = Coalesce(ended, "updated_at") if ended else Coalesce("updated_at", "updated_at")
        for row in rows.annotate(since=since).order_by("-state", "since")[:limit]:
            yield Matter(
                row.state,
                f"{row.get_state_display()} {row._meta.verbose_name}",
                row,
                "No open blocker says why.",
                row.since,
            )
