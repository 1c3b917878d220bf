"""What waits for a decision: the sets that the inbox shows as cards and every page counts.

All of them are one question, and so the cards are what the count says.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zlib import crc32

from django.db.models import (
    BooleanField,
    Case,
    Exists,
    Expression,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast

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


def gate_unless(closed: Expression, gate: GateOpen) -> Case:
    """Ask a gate, which is dear, unless something cheaper says that it is closed."""
    return Case(When(closed, then=Value(False)), default=gate)


def plans_to_approve() -> QuerySet[Program]:
    """Plans that are whole. What is not is mostly known by its last wave, which has no task yet."""
    waves = Wave.objects.filter(program=OuterRef("pk")).order_by("-sequence_number")
    tasks = Task.objects.filter(wave=OuterRef("last_wave"))
    gate = GateOpen("pk", function="governance_gate_approve_program")
    planned = Program.objects.alias(last_wave=Subquery(waves.values("pk")[:1]))
    return planned.filter(gate_unless(~Exists(tasks), gate), state=State.PLANNED).exclude(
        open_on("program")
    )


def waves_to_start() -> QuerySet[Wave]:
    waits_for = Func(
        *(OuterRef("dependencies"), Cast("pk", TextField())),
        function="jsonb_exists",
        output_field=BooleanField(),
    )
    ahead = Wave.objects.filter(waits_for, program=OuterRef("program"))
    gate = GateOpen("pk", function="governance_gate_start_wave")
    return Wave.objects.filter(
        gate_unless(Exists(ahead.exclude(state=State.COMPLETED)), gate),
        state=State.PLANNED,
        program__state=State.IN_PROGRESS,
    ).exclude(open_on("wave"))


def waves_under_way() -> QuerySet[Wave]:
    return Wave.objects.filter(state=State.IN_PROGRESS, program__state=State.IN_PROGRESS)


def tasks_to_assign() -> QuerySet[Task]:
    """Tasks of a wave under way that could be given to a builder at once, while one is idle."""
    idle = Builder.objects.filter(state=Builder.State.IDLE, current_task=None)
    gate = GateOpen("pk", Value(None), function="governance_gate_assign_task")
    validated = ArchitectureValidation.objects.filter(
        task=OuterRef("pk"), build_readiness=Readiness.READY
    )
    return Task.objects.filter(
        Exists(idle),
        gate_unless(~Exists(validated), gate),
        wave=OuterRef("pk"),
        state=TaskState.PLANNED,
    )


def waves_to_staff() -> QuerySet[Wave]:
    """Waves with a task to assign: each is asked until one is found, and no further."""
    one = tasks_to_assign().values("pk")[:1]
    return waves_under_way().alias(one=Subquery(one)).filter(one__isnull=False)


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
    """How many of each kind wait, and which. Where there are more than are counted, `bounded`."""

    counts: Counter[str]
    bounded: bool = False
    # Short names, by which a page tells which of them are new; none where not all were read.
    keys: Mapping[str, list[str]] = field(default_factory=dict)
    # The keys of each set's rows: of more than are counted, those that have waited longest.
    rows: Mapping[str, list[str]] = field(default_factory=dict)

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
    def words(self) -> list[tuple[str, str, int, list[str] | None]]:
        """Each kind that waits: its words for one and for many, how many, and which."""
        return [
            (kind.one, kind.many, number, self.keys.get(key))
            for key, kind in KINDS.items()
            if (number := self.counts[key])
        ]


def stalled_or(other: str) -> Case:
    stalled = Q(classification=Classification.BUILDER_STALL)
    return Case(When(stalled, Value("stall")), default=Value(other))


def count_matters() -> Matters:
    """Find what waits, and count it, in one query."""
    found = prepared.fetch(_question(COUNTED, silence_threshold()))
    rows, keys = defaultdict(list), defaultdict(list)
    for place, _, key in found:
        rows[place].append(key)
    cut_short = {kind for place, kind, _ in found if len(rows[place]) > COUNTED}
    for _, kind, key in found:
        if kind not in cut_short:
            keys[kind].append(f"{crc32(key.encode()):x}")
    return Matters(
        Counter(kind for _, kind, _ in found),
        bounded=bool(cut_short),
        keys={kind: sorted(names) for kind, names in keys.items()},
        rows=rows,
    )


@cache
def _question(counted: int, threshold: timedelta) -> str:
    """Put the question together, once: every page asks it, and it is a long one."""
    unwell = Case(When(state=State.FAILED, then=Value("failed")), default=Value("blocked"))
    sets: list[tuple[str, QuerySet[Any], str, Expression]] = [
        ("silent", silent_builders(), "pk", Value("silent")),
        ("spinning", spinning_builders(), "pk", Value("spinning")),
        ("blocker", open_blockers(), "detected_at", stalled_or("blocker")),
        ("violation", unresolved_violations(), "detected_at", Value("violation")),
        ("claim", refused_claims(), "claimed_at", Value("claim")),
        ("plan", plans_to_approve(), "created_at", Value("plan")),
        ("wave", waves_to_start(), "updated_at", Value("wave")),
        ("staff", waves_to_staff(), "updated_at", Value("staff")),
        ("unwell program", unwell_programs(), "updated_at", unwell),
        ("unwell wave", unwell_waves(), "updated_at", unwell),
        ("unwell task", unwell_tasks(), "updated_at", unwell),
    ]
    first, *others = (
        rows.order_by(since)
        .annotate(place=Value(place), kind=kind, key=Cast("pk", TextField()))
        .values_list("place", "kind", "key")[: counted + 1]
        for place, rows, since, kind in sets
    )
    return prepared.words(*first.union(*others, all=True).order_by().query.sql_with_params())
