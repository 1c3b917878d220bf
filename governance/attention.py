"""What waits for a decision: the sets that the inbox shows as cards and every page counts."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.utils.timezone import now

from builders.models import Builder, Verdict
from governance.gates import GateOpen
from governance.models import Blocker, Classification, CompletionClaim, GovernanceViolation
from programs.models import Program, State, Task, TaskState, Wave

UNWELL = [State.FAILED, State.BLOCKED]


def open_on(entity_type: str, **more: Any) -> Exists:
    """Tell whether a row of the outer query has an open blocker, which then speaks for it."""
    return Exists(
        Blocker.objects.open().filter(
            entity_type=entity_type, entity_id=OuterRef(more.pop("key", "pk")), **more
        )
    )


def violated(key: str = "pk") -> Exists:
    return Exists(GovernanceViolation.objects.unresolved().filter(task=OuterRef(key)))


def open_blockers() -> QuerySet[Blocker]:
    """A violation speaks for the blocker that it raised."""
    own = Q(entity_type="task", classification=Classification.CONSTITUTIONAL_VIOLATION)
    return Blocker.objects.open().exclude(own & violated("entity_id"))


def unresolved_violations() -> QuerySet[GovernanceViolation]:
    return GovernanceViolation.objects.unresolved()


def silent_builders(at: datetime | None = None) -> QuerySet[Builder]:
    stalled = open_on("task", key="current_task_id", classification=Classification.BUILDER_STALL)
    return Builder.objects.silent(at).exclude(stalled)


def spinning_builders(at: datetime | None = None) -> QuerySet[Builder]:
    builders = Builder.objects.with_verdicts(at).filter(verdict=Verdict.SPINNING)
    return builders.exclude(open_on("task", key="current_task_id"))


def refused_claims() -> QuerySet[CompletionClaim]:
    """The latest claim on a task in hand, where the gate said no and nobody has decided since."""
    later = CompletionClaim.objects.filter(
        task=OuterRef("task"), claimed_at__gt=OuterRef("claimed_at")
    )
    holder = Builder.objects.filter(
        pk=OuterRef("builder"),
        current_task=OuterRef("task"),
        assigned_at__lte=OuterRef("claimed_at"),
    )
    return (
        CompletionClaim.objects.filter(accepted=False, task__state=TaskState.IN_PROGRESS)
        .filter(Exists(holder))
        .exclude(Exists(later))
        .exclude(open_on("task", key="task_id"))
    )


def plans_to_approve() -> QuerySet[Program]:
    gate = GateOpen("pk", function="governance_gate_approve_program")
    return Program.objects.filter(gate, state=State.PLANNED).exclude(open_on("program"))


def waves_to_start() -> QuerySet[Wave]:
    gate = GateOpen("pk", function="governance_gate_start_wave")
    planned = Wave.objects.filter(state=State.PLANNED, program__state=State.IN_PROGRESS)
    return planned.filter(gate).exclude(open_on("wave"))


def tasks_to_assign() -> QuerySet[Task]:
    """Tasks that could be given to a builder at once, while one has nothing to do."""
    idle = Builder.objects.filter(state=Builder.State.IDLE, current_task=None)
    gate = GateOpen("pk", Value(None), function="governance_gate_assign_task")
    return Task.objects.filter(
        Exists(idle),
        gate,
        state=TaskState.PLANNED,
        wave__state=State.IN_PROGRESS,
        wave__program__state=State.IN_PROGRESS,
    )


def waves_to_staff() -> QuerySet[Wave]:
    return Wave.objects.filter(Exists(tasks_to_assign().filter(wave=OuterRef("pk"))))


def unwell_tasks() -> QuerySet[Task]:
    return Task.objects.filter(state__in=UNWELL).exclude(open_on("task") | violated())


def unwell_waves() -> QuerySet[Wave]:
    return Wave.objects.filter(state__in=UNWELL).exclude(open_on("wave"))


def unwell_programs() -> QuerySet[Program]:
    return Program.objects.filter(state__in=UNWELL).exclude(open_on("program"))


def count_matters(at: datetime | None = None) -> int:
    """Count what `decisions.list_decisions` would list, in one query."""
    at = at or now()
    first, *others = (
        rows.order_by().annotate(one=Value(1)).values_list("one", flat=True)
        for rows in (
            silent_builders(at),
            spinning_builders(at),
            open_blockers(),
            unresolved_violations(),
            refused_claims(),
            plans_to_approve(),
            waves_to_start(),
            waves_to_staff(),
            unwell_programs(),
            unwell_waves(),
            unwell_tasks(),
        )
    )
    return first.union(*others, all=True).count()
