"""What waits for a decision: the sets that the inbox shows as cards and every page counts."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.db.models import Case, Exists, Expression, OuterRef, Q, QuerySet, Subquery, Value, When

from builders.models import Builder, Verdict, silence_threshold
from foreman_office.kit import prepared
from governance.gates import GateOpen
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Classification,
    CompletionClaim,
    GovernanceViolation,
    Readiness,
)
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
    """Tasks that could be given to a builder at once, while one has nothing to do.

    A gate is dear, and most of what is planned has nothing that it could open for.
    """
    idle = Builder.objects.filter(state=Builder.State.IDLE, current_task=None)
    gate = GateOpen("pk", Value(None), function="governance_gate_assign_task")
    validated = ArchitectureValidation.objects.filter(
        task=OuterRef("pk"), build_readiness=Readiness.READY
    )
    return Task.objects.filter(
        Exists(idle),
        Case(When(Exists(validated), then=gate), default=Value(False)),
        state=TaskState.PLANNED,
        wave__state=State.IN_PROGRESS,
        wave__program__state=State.IN_PROGRESS,
    )


def waves_to_staff() -> QuerySet[Wave]:
    """Waves with a task to assign: each is asked until one is found, and no further."""
    one = tasks_to_assign().filter(wave=OuterRef("pk")).values("pk")[:1]
    waves = Wave.objects.filter(state=State.IN_PROGRESS, program__state=State.IN_PROGRESS)
    return waves.alias(one=Subquery(one)).filter(one__isnull=False)


def unwell_tasks() -> QuerySet[Task]:
    return Task.objects.filter(state__in=UNWELL).exclude(open_on("task") | violated())


def unwell_waves() -> QuerySet[Wave]:
    return Wave.objects.filter(state__in=UNWELL).exclude(open_on("wave"))


def unwell_programs() -> QuerySet[Program]:
    return Program.objects.filter(state__in=UNWELL).exclude(open_on("program"))


class Kind(NamedTuple):
    """What waits, in words for one and for many, and how bad it is: a tone of its mark."""

    one: str
    many: str
    tone: str


KINDS = {
    "silent": Kind("silent builder", "silent builders", "failed"),
    "stall": Kind("builder stall", "builder stalls", "failed"),
    "violation": Kind("violation", "violations", "failed"),
    "failed": Kind("failed attempt", "failed attempts", "failed"),
    "spinning": Kind("spinning builder", "spinning builders", "blocked"),
    "blocker": Kind("blocker", "blockers", "blocked"),
    "blocked": Kind("standstill without a reason", "standstills without a reason", "blocked"),
    "claim": Kind("refused claim", "refused claims", "blocked"),
    "plan": Kind("plan to approve", "plans to approve", "blocked"),
    "wave": Kind("wave to start", "waves to start", "blocked"),
    "staff": Kind("wave with work to give out", "waves with work to give out", "blocked"),
}
COUNTED = 100  # how far each set is counted: beyond, nobody reads the number


@dataclass(frozen=True)
class Matters:
    """How many of each kind wait. Where a set has more than are counted, it is `bounded`."""

    counts: Counter[str]
    bounded: bool = False

    @property
    def total(self) -> int:
        return self.counts.total()

    def __bool__(self) -> bool:
        return bool(self.total)

    def __str__(self) -> str:
        return f"{self.total}{'+' if self.bounded else ''}"

    @property
    def worst(self) -> str:
        """The tone of the worst that waits; that of a thing done where nothing does."""
        tones = {KINDS[kind].tone for kind in self.counts}
        return next((tone for tone in ("failed", "blocked") if tone in tones), "done")

    @property
    def words(self) -> list[tuple[str, str, int]]:
        """Each kind that waits: its words for one and for many, and how many."""
        return [(k.one, k.many, n) for key, k in KINDS.items() if (n := self.counts[key])]


def stalled_or(other: str) -> Case:
    stalled = Q(classification=Classification.BUILDER_STALL)
    return Case(When(stalled, Value("stall")), default=Value(other))


def count_matters() -> Matters:
    """Count what `decisions.list_decisions` would list, in one query."""
    found = prepared.fetch(_question(COUNTED, silence_threshold()))
    largest = max(Counter(place for place, _ in found).values(), default=0)
    return Matters(Counter(kind for _, kind in found), bounded=largest > COUNTED)


@cache
def _question(counted: int, threshold: timedelta) -> str:
    """Put the question together, once: every page asks it, and it is a long one."""
    unwell = Case(When(state=State.FAILED, then=Value("failed")), default=Value("blocked"))
    sets: list[tuple[QuerySet[Any], Expression]] = [
        (silent_builders(), Value("silent")),
        (spinning_builders(), Value("spinning")),
        (open_blockers(), stalled_or("blocker")),
        (unresolved_violations(), Value("violation")),
        (refused_claims(), Value("claim")),
        (plans_to_approve(), Value("plan")),
        (waves_to_start(), Value("wave")),
        (waves_to_staff(), Value("staff")),
        (unwell_programs(), unwell),
        (unwell_waves(), unwell),
        (unwell_tasks(), unwell),
    ]
    first, *others = (
        rows.order_by()
        .annotate(kind=kind, place=Value(place))
        .values_list("place", "kind")[: counted + 1]
        for place, (rows, kind) in enumerate(sets)
    )
    return prepared.words(*first.union(*others, all=True).order_by().query.sql_with_params())
