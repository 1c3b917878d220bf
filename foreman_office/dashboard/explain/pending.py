"""The querysets of what is wrong and of what waits for a decision."""

from datetime import datetime
from typing import Any

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

from builders.models import Builder, Question, Verdict
from governance.gates import GateOpen
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Budget,
    Classification,
    CompletionClaim,
    Delivery,
    GovernanceViolation,
    Readiness,
)
from programs.models import NOT_FINISHED, PlanNote, Program, State, Task, TaskState, Wave

UNWELL = [State.FAILED, State.BLOCKED]


def open_on(entity_type: str, **more: Any) -> Exists:
    """Return whether a row of the outer query has an open blocker, which is then listed instead."""
    return Exists(
        Blocker.objects.open().filter(
            entity_type=entity_type, entity_id=OuterRef(more.pop("key", "pk")), **more
        )
    )


def violated(key: str = "pk") -> Exists:
    return Exists(GovernanceViolation.objects.unresolved().filter(task=OuterRef(key)))


def open_blockers() -> QuerySet[Blocker]:
    """Return the open blockers, but for those of unresolved violations, which are listed."""
    own = Q(entity_type="task", classification=Classification.CONSTITUTIONAL_VIOLATION)
    return Blocker.objects.open().exclude(own & violated("entity_id"))


def unresolved_violations() -> QuerySet[GovernanceViolation]:
    return GovernanceViolation.objects.unresolved()


def silent_builders(at: datetime | None = None) -> QuerySet[Builder]:
    stalled = open_on("task", key="current_task_id", classification=Classification.BUILDER_STALL)
    return Builder.objects.silent(at).exclude(stalled)


# Of builders that are heard, and do not get on with their task.
AT_A_STANDSTILL = [Verdict.SPINNING, Verdict.WAITING]


def builders_at_a_standstill(at: datetime | None = None) -> QuerySet[Builder]:
    """Return the builders that do not get on, but for those whose blocker or question is listed."""
    builders = Builder.objects.with_verdicts(at).filter(verdict__in=AT_A_STANDSTILL)
    asked = Exists(open_questions().filter(task=OuterRef("current_task"), builder=OuterRef("pk")))
    return builders.exclude(open_on("task", key="current_task_id")).exclude(
        Q(verdict=Verdict.WAITING) & asked
    )


def given_up_deliveries() -> QuerySet[Delivery]:
    """Return, of each addressee whom messages did not reach, the first of an organisation's."""
    given_up = Delivery.objects.given_up()
    each = "target", "organisation_id"
    firsts = given_up.order_by(*each, "queued_at", "pk").distinct(*each)
    return given_up.filter(pk__in=firsts.values("pk"))


def open_questions() -> QuerySet[Question]:
    return Question.objects.open()


# Of builders with a task that are heard, and do not work on it.
OFF_THEIR_TASK = [
    Verdict.IDLE_WITH_WORK,
    Verdict.NOT_BEGUN,
    Verdict.BUSY_ELSEWHERE,
    Verdict.PARENT_BLOCKED,
]


def builders_off_their_task(at: datetime | None = None) -> QuerySet[Builder]:
    builders = Builder.objects.with_verdicts(at).filter(verdict__in=OFF_THEIR_TASK)
    return builders.exclude(open_on("task", key="current_task_id"))


def idle_builders() -> QuerySet[Builder]:
    """Return the builders to which a task could be assigned: heard, not paused, and without one."""
    return Builder.objects.with_verdicts().filter(verdict=Verdict.IDLE)


def budgets_nearly_spent() -> QuerySet[Budget]:
    return Budget.objects.nearly_spent()


def refused_claims() -> QuerySet[CompletionClaim]:
    """Return each assigned task's latest claim, if it was refused and no decision came since."""
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
    """Return a gate's answer, which costs much, unless something cheaper says that it is closed."""
    return Case(When(closed, then=Value(False)), default=gate)


def programs_with_late_work() -> QuerySet[Program]:
    """Return the unfinished programs that are late, or have a wave or a task that is."""
    late = (
        Q(pk__in=Program.objects.late().values("pk"))
        | Q(pk__in=Wave.objects.late().values("program"))
        | Q(pk__in=Task.objects.late().values("wave__program"))
    )
    return Program.objects.filter(NOT_FINISHED, late)


def plans_to_approve() -> QuerySet[Program]:
    """Return the complete plans. An incomplete one is mostly found by its last, empty wave."""
    waves = Wave.objects.filter(program=OuterRef("pk")).order_by("-sequence_number")
    tasks = Task.objects.filter(wave=OuterRef("last_wave"))
    gate = GateOpen("pk", function="governance_gate_approve_program")
    planned = Program.objects.alias(last_wave=Subquery(waves.values("pk")[:1]))
    return planned.filter(gate_unless(~Exists(tasks), gate), state=State.PLANNED).exclude(
        open_on("program") | sent_back()
    )


def sent_back() -> Exists:
    """Return whether a plan was sent back, and nothing of it was changed since."""
    later = {"updated_at__gt": OuterRef("created_at")}
    waves = Wave.objects.filter(program=OuterRef("program"), **later)
    tasks = Task.objects.filter(wave__program=OuterRef("program"), **later)
    programs = Program.objects.filter(pk=OuterRef("program"), **later)
    notes = PlanNote.objects.filter(program=OuterRef("pk"))
    return Exists(notes.exclude(Exists(programs) | Exists(waves) | Exists(tasks)))


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


def waves_ahead() -> QuerySet[Wave]:
    """Return the waves in progress with a dependency that was reopened after they began."""
    taken_back = Func(
        "pk",
        function="governance_taken_back_dependencies",
        template="EXISTS (SELECT FROM %(function)s(%(expressions)s))",
        output_field=BooleanField(),
    )
    return (
        Wave.objects.filter(state=State.IN_PROGRESS, program__archived_at=None)
        .exclude(dependencies=[])
        .filter(taken_back)
        .exclude(open_on("wave"))
    )


def tasks_to_assign() -> QuerySet[Task]:
    """Return the tasks of waves in progress that an idle builder could be assigned at once."""
    gate = GateOpen("pk", Value(None), function="governance_gate_assign_task")
    validated = ArchitectureValidation.objects.filter(
        task=OuterRef("pk"), build_readiness=Readiness.READY
    )
    return Task.objects.filter(
        Exists(idle_builders()),
        gate_unless(~Exists(validated), gate),
        wave=OuterRef("pk"),
        state=TaskState.PLANNED,
    )


def waves_to_staff() -> QuerySet[Wave]:
    """Return the waves with a task to assign: each is searched until one is found, not further."""
    one = tasks_to_assign().values("pk")[:1]
    return waves_under_way().alias(one=Subquery(one)).filter(one__isnull=False)


def unwell_tasks() -> QuerySet[Task]:
    """Return the tasks that failed, or are blocked without a reason, of unfinished waves."""
    return (
        Task.objects.filter(state__in=UNWELL)
        .exclude(wave__state=State.COMPLETED)
        .exclude(wave__program__state=State.FAILED)
        .exclude(open_on("task") | violated())
    )


def unwell_waves() -> QuerySet[Wave]:
    return (
        Wave.objects.filter(state__in=UNWELL)
        .exclude(program__state=State.FAILED)
        .exclude(open_on("wave"))
    )


def unwell_programs() -> QuerySet[Program]:
    """Return the programs that are blocked without a reason.

    One that failed was abandoned by a person, with a reason. Nothing depends on it, so neither it
    nor what failed in it needs a decision: its page offers to reopen it.
    """
    return Program.objects.filter(state=State.BLOCKED).exclude(open_on("program"))


# --- what is not ready ----------------------------------------------------------------------------


def unhindered() -> QuerySet[Task]:
    """Return the planned tasks without a blocker or a violation that is already listed."""
    return Task.objects.filter(state=TaskState.PLANNED).exclude(open_on("task") | violated())


def waves_not_ready() -> QuerySet[Wave]:
    """Return the waves in progress in which work could begin, if something were not missing.

    No task of such a wave can be assigned, though a builder is idle or nothing of the wave is
    worked on. Where builders work and all that is planned is ready, it merely waits for its turn.
    """
    one = tasks_to_assign().values("pk")[:1]
    planned = unhindered().filter(wave=OuterRef("pk"))
    unready = planned.exclude(GateOpen("pk", Value(None), function="governance_gate_assign_task"))
    held = [TaskState.ASSIGNED, TaskState.IN_PROGRESS]
    worked_on = Task.objects.filter(wave=OuterRef("pk"), state__in=held)
    at_work = Builder.objects.with_verdicts().filter(verdict=Verdict.WORKING)
    return (
        waves_under_way()
        .alias(one=Subquery(one))
        .filter(Exists(planned), Exists(idle_builders()) | ~Exists(worked_on), one__isnull=True)
        .filter(~Exists(at_work) | Exists(unready))
        .exclude(open_on("wave"))
    )
