"""The conditions between an entity and its next state, from the database's own gates."""

from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection
from django.db.models import BooleanField, Func

from builders.models import Builder
from programs.models import Program, State, Task, TaskState, Wave


class Condition(NamedTuple):
    """One condition of a gate: the rule's name, whether it is met, and a sentence about it."""

    rule: str
    met: bool
    detail: str

    @property
    def look(self) -> str:
        """Return the look of the condition; one that is only not met yet is not bad."""
        yet = "planned" if self.rule in ("tasks_completed", "waves_completed") else "not-passed"
        return "passed" if self.met else yet


@dataclass(frozen=True)
class NextMove:
    """The next sensible state of an entity, and what stands before it."""

    target: str
    verb: str  # "be approved", as in "Cannot be approved yet"
    conditions: list[Condition] = field(default_factory=list)

    @property
    def unmet(self) -> list[Condition]:
        return [condition for condition in self.conditions if not condition.met]

    @property
    def title(self) -> str:
        """Return the heading: "Can resume", or "Cannot resume yet: 1 of 3 conditions not met"."""
        if not self.unmet:
            return f"Can {self.verb}"
        number, total = len(self.unmet), len(self.conditions)
        plural = "" if total == 1 else "s"
        return f"Cannot {self.verb} yet: {number} of {total} condition{plural} not met"


class GateOpen(Func):
    """Whether each condition of one of the gates' functions is met, in a query."""

    template = "NOT EXISTS (SELECT FROM %(function)s(%(expressions)s) AS gate WHERE NOT gate.met)"
    output_field = BooleanField()


def conditions(
    entity: Program | Wave | Task, target: str, *, builder: Builder | None = None
) -> list[Condition]:
    """Return the conditions of moving `entity` to the state `target`; none where no gate is.

    `builder` is the one that a task would be assigned to. The trigger that refuses calls the same
    function.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rule, met, detail FROM governance_gate(%s, %s, %s, %s, %s)",
            [
                entity._meta.model_name,
                entity.pk,
                entity.state,
                target,
                builder.builder_id if builder else None,
            ],
        )
        return [Condition(*row) for row in cursor.fetchall()]


def next_move(entity: Program | Wave | Task) -> NextMove | None:
    """Return the next sensible move of an entity and its conditions; None at its end."""
    match entity.state:
        case State.COMPLETED:
            return None
        case State.BLOCKED:
            before = state_before_block(entity)
            again = "resume" if before == State.IN_PROGRESS else f"be {before} again"
            return _move(entity, before, again)
        case State.IN_PROGRESS:
            return _move(entity, State.COMPLETED, "be completed")
        case TaskState.ASSIGNED:
            return _move(entity, State.IN_PROGRESS, "be started")
        case State.FAILED if isinstance(entity, Task):
            return NextMove(TaskState.PLANNED, "be reopened")
    if isinstance(entity, Task):
        own = not (entity.assigned_builder or entity.qa_suite_location)
        if own:  # nothing a builder could be given: the foreman's own work
            return _move(entity, State.IN_PROGRESS, "be started")
        named = entity.assigned_builder and Builder.objects.get(pk=entity.assigned_builder)
        found = conditions(entity, TaskState.ASSIGNED, builder=named or None)
        return NextMove(TaskState.ASSIGNED, "be assigned", found)
    verb = "be reopened" if entity.state == State.FAILED else "be approved"
    if isinstance(entity, Wave):
        verb = "be reopened" if entity.state == State.FAILED else "be started"
    return _move(entity, State.IN_PROGRESS, verb)


def state_before_block(entity: Program | Wave | Task) -> str:
    """Return the state to which a blocked entity returns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT governance_state_before_block(%s, %s)", [entity._meta.model_name, entity.pk]
        )
        return cursor.fetchone()[0]


def _move(entity: Program | Wave | Task, target: str, verb: str) -> NextMove:
    return NextMove(target, verb, conditions(entity, target))
