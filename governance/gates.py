"""What stands between an entity and its next state, asked of the database's own gates."""

from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection
from django.db.models import BooleanField, Func

from builders.models import Builder
from programs.models import Program, State, Task, TaskState, Wave

# What each condition demands, in the words of the page. The detail beside it is the database's.
RULES = {
    "has_waves": "The program has a wave",
    "waves_have_tasks": "Each wave has a task",
    "dependencies_acyclic": "No wave waits for itself",
    "program_in_progress": "The program is in progress",
    "wave_in_progress": "The wave is in progress",
    "dependencies_completed": "Every wave before it is completed",
    "architecture_ready": "The latest architecture validation is ready",
    "suite_red": "The latest run of its suite is red, with nothing skipped",
    "suite_green": "The latest run of its suite is green",
    "no_debt": "There is no test debt",
    "run_newer_than_work": "That run is newer than the last work",
    "goalposts_stand": "Every test that was red is still there",
    "evidence_given": "The evidence location is given",
    "no_open_blocker": "No open blocker",
    "no_unresolved_violation": "No unresolved violation",
    "builder_idle": "The builder is idle, with empty hands",
    "tasks_completed": "Every task is completed",
    "waves_completed": "Every wave is completed",
    "returns_to_where_it_was": "It returns to the state it had before",
    # of builders
    "may_report": "It has a token to report with",
    "heard": "It was heard within the threshold",
    "gets_on": "Its last beats tell of progress",
    "not_waiting": "It does not wait for anything",
}


class Condition(NamedTuple):
    """One condition of a gate: the rule's name, whether it is met, and a sentence about it."""

    rule: str
    met: bool
    detail: str

    @property
    def look(self) -> str:
        """What is only not done yet is no bad news."""
        yet = "planned" if self.rule in ("tasks_completed", "waves_completed") else "not-passed"
        return "passed" if self.met else yet

    @property
    def words(self) -> str:
        return RULES.get(self.rule, self.rule.replace("_", " ").capitalize())


@dataclass(frozen=True)
class NextMove:
    """The next sensible state of an entity, and what stands before it."""

    target: str
    verb: str  # "approved", as in "cannot be approved yet"
    conditions: list[Condition] = field(default_factory=list)

    @property
    def unmet(self) -> list[Condition]:
        return [condition for condition in self.conditions if not condition.met]


class GateOpen(Func):
    """Tell in a query whether each condition of one of the gates' functions is met."""

    template = "NOT EXISTS (SELECT FROM %(function)s(%(expressions)s) AS gate WHERE NOT gate.met)"
    output_field = BooleanField()


def conditions(
    entity: Program | Wave | Task, target: str, *, builder: Builder | None = None
) -> list[Condition]:
    """Return the conditions of moving `entity` to the state `target`; none where no gate is.

    `builder` is whom a task would be assigned to. The trigger that refuses calls the same function.
    """
    return _ask(
        "governance_gate(%s, %s, %s, %s, %s)",
        entity._meta.model_name,
        entity.pk,
        entity.state,
        target,
        builder.builder_id if builder else None,
    )


def next_move(entity: Program | Wave | Task) -> NextMove | None:
    """Return the next sensible move of an entity and its conditions; None at its end."""
    match entity.state:
        case State.COMPLETED:
            return None
        case State.BLOCKED:
            before = state_before_block(entity)
            gate = "governance_gate_unblock(%s, %s, %s)"
            found = _ask(gate, entity._meta.model_name, entity.pk, before)
            return NextMove(before, f"{before} again", found)
        case State.IN_PROGRESS:
            return _move(entity, State.COMPLETED, "completed")
        case TaskState.ASSIGNED:
            return _move(entity, State.IN_PROGRESS, "begun")
        case State.FAILED if isinstance(entity, Task):
            return NextMove(TaskState.PLANNED, "planned again")
    if isinstance(entity, Task):
        own = not (entity.assigned_builder or entity.qa_suite_location)
        if own:  # nothing a builder could be given: the foreman's own work
            return _move(entity, State.IN_PROGRESS, "begun")
        named = entity.assigned_builder and Builder.objects.get(pk=entity.assigned_builder)
        found = conditions(entity, TaskState.ASSIGNED, builder=named or None)
        return NextMove(TaskState.ASSIGNED, "assigned", found)
    verb = "taken up again" if entity.state == State.FAILED else "approved"
    if isinstance(entity, Wave):
        verb = "taken up again" if entity.state == State.FAILED else "started"
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


def _ask(gate: str, *parameters: object) -> list[Condition]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT rule, met, detail FROM {gate}", parameters)  # noqa: S608  our names
        return [Condition(*row) for row in cursor.fetchall()]
