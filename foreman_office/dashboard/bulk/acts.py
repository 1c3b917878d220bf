"""The acts on many rows of a list: for each its form, what keeps a row from it, how it is done."""

from collections.abc import Callable
from typing import Any, NamedTuple

from builders.actions import assign_task
from builders.models import Builder
from foreman_office.dashboard.bulk.forms import (
    AssignChosenForm,
    ChosenForm,
    ChosenReasonForm,
    ChosenResolutionForm,
    DueForm,
    MoveForm,
    PlanBuilderForm,
)
from governance.actions import resolve_blocker
from governance.gates import Condition, conditions
from governance.models import Blocker
from kit.core.acts import Actor, Refused
from programs import actions
from programs.models import Program, Task, TaskState


class BulkAct(NamedTuple):
    """An act on each of some rows.

    `objection` says what keeps a row from it, as far as is known before; the database decides.
    """

    done: str  # what is said of a row with which it is done
    form: type[ChosenForm]
    do: Callable[..., Any]
    objection: Callable[[Any], str]


def none(row: Any) -> str:
    return ""


# --- tasks ----------------------------------------------------------------------------------------


def assign(task: Task, *, builder: Builder | None, by: Actor) -> None:
    """Assign a task to a builder; without one, to its planned builder."""
    if builder is None:
        name = task.builder_before_assignment
        if not name:
            raise Refused("planned_builder", "No builder is planned for it.")
        builder = Builder.objects.get(pk=name)
    assign_task(task, builder, by=by)


def cannot_be_assigned(task: Task) -> str:
    if task.state != TaskState.PLANNED:
        return said_of_state(task)
    return unmet_in_words(conditions(task, TaskState.ASSIGNED))


def plan_builder(task: Task, *, planned_builder: str | None, by: Actor) -> None:
    if objection := is_not_planned(task):
        raise Refused("planned_builder", objection)
    actions.edit(task, planned_builder=planned_builder, by=by)


def is_not_planned(task: Task) -> str:
    if task.state == TaskState.PLANNED:
        return ""
    return f"{said_of_state(task)} Only a planned task gets another planned builder."


def move_to_wave(task: Task, *, wave: Any, by: Actor) -> None:
    if wave.program_id != task.wave.program_id:
        raise Refused("same_program", "The wave is one of another program.")
    actions.edit(task, wave=wave, by=by)


def said_of_state(row: Any) -> str:
    return f"It is {row.get_state_display().lower()}."


def unmet_in_words(found: list[Condition]) -> str:
    return " ".join(condition.detail for condition in found if not condition.met)


def set_due(row: Any, *, due_on: Any, by: Actor) -> None:
    actions.edit(row, due_on=due_on, by=by)


# --- blockers and programs ------------------------------------------------------------------------


def resolve(blocker: Blocker, *, resolution: str, by: Actor) -> None:
    if objection := is_resolved(blocker):
        raise Refused("resolved", objection)
    resolve_blocker(blocker, resolution_action=resolution, by=by)


def is_resolved(blocker: Blocker) -> str:
    return "It is resolved already." if blocker.resolved_at else ""


def cannot_be_archived(program: Program) -> str:
    if program.is_archived:
        return "It is archived already."
    return unmet_in_words(conditions(program, "archived"))


def archive(program: Program, *, reason: str, by: Actor) -> None:
    if program.is_archived:
        raise Refused("archived", cannot_be_archived(program))
    actions.archive_program(program, reason=reason, by=by)


def unarchive(program: Program, *, reason: str, by: Actor) -> None:
    if objection := is_not_archived(program):
        raise Refused("archived", objection)
    actions.unarchive_program(program, reason=reason, by=by)


def is_not_archived(program: Program) -> str:
    return "" if program.is_archived else "It is not archived."


# --- all of them ----------------------------------------------------------------------------------

DUE = BulkAct("The due date is set.", DueForm, set_due, none)
ACTS = {
    "task": {
        "assign": BulkAct("Assigned.", AssignChosenForm, assign, cannot_be_assigned),
        "plan": BulkAct(
            "The planned builder is set.", PlanBuilderForm, plan_builder, is_not_planned
        ),
        "move": BulkAct("Moved.", MoveForm, move_to_wave, none),
        "due": DUE,
    },
    "blocker": {"resolve": BulkAct("Resolved.", ChosenResolutionForm, resolve, is_resolved)},
    "program": {
        "archive": BulkAct("Archived.", ChosenReasonForm, archive, cannot_be_archived),
        "unarchive": BulkAct(
            "Taken out of the archive.", ChosenReasonForm, unarchive, is_not_archived
        ),
        "due": DUE,
    },
}
