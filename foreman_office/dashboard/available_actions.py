"""What may be decided about an entity in its state: the buttons that cards and pages show.

Whether the database allows it is not checked here; the gate beside the button shows that.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Model
from django.urls import reverse

from builders.models import Builder, Question, Verdict
from foreman_office.access.organisations import decides_for_all
from foreman_office.dashboard.builders.queries import with_verdict
from foreman_office.dashboard.forms import (
    AnswerForm,
    AssignForm,
    BlockerRaiseForm,
    BudgetForm,
    CompleteForm,
    NoteForm,
    PauseForm,
    ProgramBudgetForm,
    ResolutionForm,
    TaskLinkForm,
    TaskNoteForm,
    ThresholdForm,
    ViolationForm,
)
from governance.gates import NextMove
from governance.models import Blocker, Budget, GovernanceViolation
from kit.web.addresses import address_of
from kit.web.decision_forms import ActionButton, OverrideForm, ReasonForm
from programs.models import FINISHED, Program, State, Task, TaskLink, TaskState, Wave

FORCE = "Override"
ARCHIVED = "archived"  # the gate of the archive, which is no state


def offer(
    entity: Model, act: str, label: str, form: type[forms.Form] | None = None, **more: Any
) -> ActionButton:
    """Return the offer of an act on an entity; `act` is the name of its address."""
    key = f"{act.partition(':')[2]}-{entity.pk}"
    if form and "override" in form.base_fields:
        key += "-forced"
    args = more.pop("args", [entity.pk])
    is_usual = args == [entity.pk] and isinstance(entity.pk, UUID)
    url = address_of(act, entity.pk) if is_usual else reverse(act, args=args)
    return ActionButton(key, url, label, str(entity), form, **more)


def offers_on(entity: Model, builders: Iterable[Any] = ()) -> list[ActionButton]:
    """Return what may be decided about a program, wave, task or builder; the likeliest first."""
    match entity:
        case Program() if entity.state in FINISHED:
            return [*offers_to_archive(entity)]
        case Program() | Wave() | Task() if entity.is_archived:
            return []
        case Program():
            return [*_plan(entity, "approve")]
        case Wave():
            return [*_plan(entity, "start")]
        case Task():
            return [*_task(entity, builders)]
        case Builder():
            return [*_builder_actions(entity)]
    return []


def offers_to_archive(program: Program) -> Iterator[ActionButton]:
    """Return what may be decided about a finished program."""
    if program.is_archived:
        label = "Take out of the archive"
        yield offer(program, "programs:program_unarchive", label, ReasonForm)
        return
    yield from _plan(program, "approve")
    yield offer(program, "programs:program_archive", "Archive", ReasonForm, target=ARCHIVED)


# Where a blocked entity goes when nothing blocks it any more: the state that it had before.
BACK = "back"


def _plan(entity: Program | Wave, begin: str) -> Iterator[ActionButton]:
    """Return the offers of a program's or wave's lifecycle; `begin` is the act that begins it."""
    moves = entity.MOVES[entity.state]
    noun = entity._meta.model_name
    if entity.state == State.BLOCKED:
        yield offer(entity, f"programs:{noun}_unblock", "Unblock", target=BACK)
    elif State.IN_PROGRESS in moves:
        label = "Reopen" if entity.state == State.FAILED else begin.capitalize()
        yield offer(entity, f"programs:{noun}_{begin}", label, target=State.IN_PROGRESS)
        if isinstance(entity, Program) and entity.state == State.PLANNED:
            yield offer_to_send_back(entity)
        yield offer(entity, f"programs:{noun}_{begin}", FORCE, OverrideForm)
    if isinstance(entity, Program) and entity.state not in (State.COMPLETED, State.FAILED):
        yield _offer_pull(entity)
    yield from _end(entity)


def _offer_pull(program: Program) -> ActionButton:
    if program.allows_pull:
        return offer(program, "programs:program_forbid_pull", "Assign by hand", ReasonForm)
    return offer(program, "programs:program_allow_pull", "Let builders pull", ReasonForm)


def _end(entity: Program | Wave | Task) -> Iterator[ActionButton]:
    if State.FAILED in entity.MOVES[entity.state]:
        act = f"programs:{entity._meta.model_name}_fail"
        yield offer(entity, act, "Abandon", ReasonForm, last=True)


def offer_to_send_back(program: Program) -> ActionButton:
    return offer(program, "programs:program_send_back", "Send back", NoteForm)


def _task(task: Task, builders: Iterable[Any]) -> Iterator[ActionButton]:
    match task.state:
        case TaskState.PLANNED:
            builders = [*builders] or [*with_verdict()]
            if not task.assigned_builder:
                yield offer_to_start(task)
            yield offer_assignment(task, builders)
            yield offer_assignment(task, builders, FORCE, AssignForm)
        case TaskState.ASSIGNED:
            yield offer(task, "builders:task_release", "Unassign")
        case TaskState.IN_PROGRESS:
            yield from offers_to_complete(task)
            yield offer(task, "programs:task_send_back", "Return to plan", ReasonForm)
        case TaskState.BLOCKED:
            yield offer(task, "programs:task_unblock", "Unblock", target=BACK)
            if task.assigned_builder:
                yield offer(task, "builders:task_release", "Unassign")
        case TaskState.FAILED:
            yield offer(task, "builders:task_release", "Reopen", target=TaskState.PLANNED)
    yield from _end(task)


def offer_to_start(task: Task, label: str = "Start without a builder") -> ActionButton:
    return offer(task, "programs:task_start", label, target=TaskState.IN_PROGRESS)


def offers_to_complete(task: Task) -> Iterator[ActionButton]:
    form = None if task.evidence_location else ProofForm
    yield offer(task, "programs:task_complete", "Complete", form, target=TaskState.COMPLETED)
    yield offer(task, "programs:task_complete", FORCE, OverrideForm)


def offer_assignment(
    task: Task, builders: Iterable[Any], label: str = "Assign", form: Any = None
) -> ActionButton:
    """Return the offer to assign a task to its planned builder if that is able, or to an idle one.

    Builders that can take it come first; the others say why they cannot, and cannot be chosen
    unless the gate is overridden.
    """
    builders = sorted(builders, key=lambda each: READINESS.get(each.verdict, len(READINESS)))
    able = [builder.pk for builder in builders if is_able(builder)]
    planned = task.builder_before_assignment
    likeliest = planned if planned in able else next(iter(able), None)
    return offer(
        task,
        "builders:task_assign",
        label,
        form or PlainAssignForm,
        target="" if form else TaskState.ASSIGNED,
        initial=(("builder", likeliest),) if likeliest else (),
        choices=tuple(
            (builder.pk, described(builder), "" if form or is_able(builder) else "disabled")
            for builder in builders
        ),
    )


# The order in which builders are offered; what is not named here comes last.
READINESS = {Verdict.IDLE: 0, Verdict.WORKING: 1}


def is_able(builder: Any) -> bool:
    """Return whether a builder, read with its verdict, could take a task."""
    return bool(builder.verdict == Verdict.IDLE)


def described(builder: Any) -> str:
    """Return what a builder does, which is also why it may be unable to take a task."""
    has_task = ", has a task" if builder.current_task_id else ""
    return f"{builder.pk} ({builder.verdict.replace('-', ' ')}{has_task})"


def emphasize(
    offers: Iterable[ActionButton], move: NextMove | None = None, *, target: str = ""
) -> list[ActionButton]:
    """Order offers: what the gate allows is the main act, and what destroys is last.

    `target` is the state that the caller knows to be allowed; else `move` says.
    """
    allowed = {target} if target else set()
    if move and not move.unmet:
        allowed = {move.target, BACK}
    ordered = sorted(offers, key=lambda each: (each.last, each.target not in allowed))
    return [replace(each, main=True) if each.target in allowed else each for each in ordered]


def _builder_actions(builder: Any) -> Iterator[ActionButton]:
    if not decides_for_all():
        return
    if builder.verdict == "paused":
        yield offer(builder, "builders:builder_resume", "End the pause")
    else:
        yield offer(builder, "builders:builder_pause", "Pause", PauseForm)
    own = builder.silence_threshold_seconds
    yield offer(
        builder,
        "builders:builder_threshold",
        "Silence threshold",
        ThresholdForm,
        initial=(("seconds", own),) if own else (),
    )


def offer_resolution(
    trouble: Blocker | GovernanceViolation, label: str = "Resolve"
) -> ActionButton:
    act = "governance:blocker_resolve"
    if isinstance(trouble, GovernanceViolation):
        act = "governance:violation_resolve"
    return offer(trouble, act, label, ResolutionForm, main=True)


def offer_to_answer(question: Question) -> ActionButton:
    choices = tuple((str(number), option) for number, option in enumerate(question.options))
    act = "builders:question_answer"
    return offer(question, act, "Answer", AnswerForm, main=True, choices=choices)


def offer_budget(entity: Any, budget: Budget | None) -> ActionButton:
    """Return the offer to set, raise or take away what a program or builder may spend."""
    is_program = isinstance(entity, Program)
    before: tuple[tuple[str, Any], ...] = ()
    if budget and budget.amount:
        before = (("amount", budget.amount),)
        if is_program:
            before += (("is_gate", budget.is_gate),)
    return offer(
        entity,
        "programs:program_budget" if is_program else "builders:builder_budget",
        "Change the budget" if before else "Set a budget",
        ProgramBudgetForm if is_program else BudgetForm,
        initial=before,
    )


def offers_to_attach(task: Task) -> list[ActionButton]:
    return [
        offer(task, "programs:task_note", "Write a note", TaskNoteForm),
        offer(task, "programs:task_link", "Add a link", TaskLinkForm),
    ]


def offer_to_remove_link(link: TaskLink) -> ActionButton:
    return offer(link, "programs:task_link_remove", "Remove")


def offers_to_object(entity: Program | Wave | Task) -> Iterator[ActionButton]:
    """Return the offers to record what is wrong with what is not completed."""
    if entity.state != State.COMPLETED and not entity.is_archived:
        yield offer_to_block(entity)
        if isinstance(entity, Task):
            yield offer_to_record_violation(entity)


def offer_to_block(entity: Program | Wave | Task) -> ActionButton:
    args = [entity._meta.model_name, entity.pk]
    return offer(entity, "governance:blocker_raise", "Raise a blocker", BlockerRaiseForm, args=args)


def offer_to_record_violation(about: Task | Builder) -> ActionButton:
    by = about.assigned_builder if isinstance(about, Task) else about.pk
    return offer(
        about,
        "governance:violation_record",
        "Record a violation",
        ViolationForm if isinstance(about, Task) else ViolationByForm,
        args=[about._meta.model_name, about.pk],
        initial=(("builder", by),) if by else (),
    )


class ViolationByForm(ViolationForm):
    builder = None  # type: ignore[assignment]


class PlainAssignForm(AssignForm):
    override = None  # type: ignore[assignment]


class ProofForm(CompleteForm):
    override = None  # type: ignore[assignment]
