"""What may be decided about an entity as it stands: the buttons that cards and pages show.

Whether the database lets it happen is not asked here; the gate beside the button says so.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Model
from django.urls import reverse

from builders.forms import AssignForm, PauseForm
from builders.models import Builder
from builders.pulse import with_verdict
from foreman_office.kit.addresses import address_of
from foreman_office.kit.decide import Offer, OverrideForm, ReasonForm
from governance.forms import BlockerRaiseForm, ResolutionForm, ViolationForm
from governance.models import Blocker, GovernanceViolation
from programs.forms import CompleteForm
from programs.models import Program, State, Task, TaskState, Wave

FORCE = "Force it"


def offer(
    entity: Model, act: str, label: str, form: type[forms.Form] | None = None, **more: Any
) -> Offer:
    """Offer an act on an entity; `act` is the name of its address."""
    key = f"{act.partition(':')[2]}-{entity.pk}"
    if form and "override" in form.base_fields:
        key += "-forced"
    args = more.pop("args", [entity.pk])
    is_usual = args == [entity.pk] and isinstance(entity.pk, UUID)
    url = address_of(act, entity.pk) if is_usual else reverse(act, args=args)
    return Offer(key, url, label, str(entity), form, **more)


def offers_on(entity: Model, builders: Iterable[Any] = ()) -> list[Offer]:
    """Return what may be decided about a program, wave, task or builder; the likeliest first."""
    match entity:
        case Program():
            return [*_program(entity)]
        case Wave():
            return [*_wave(entity)]
        case Task():
            return [*_task(entity, builders)]
        case Builder():
            return [*_builder(entity)]
    return []


def _program(program: Program) -> Iterator[Offer]:
    if program.state in (State.PLANNED, State.FAILED):
        again = program.state == State.FAILED
        label = "Take it up again" if again else "Approve"
        yield offer(program, "programs:program_approve", label, main=True)
        yield offer(program, "programs:program_approve", FORCE, OverrideForm)
    if program.state in (State.IN_PROGRESS, State.BLOCKED):
        yield offer(program, "programs:program_fail", "Give up", ReasonForm)
    if program.state == State.BLOCKED:
        yield offer(program, "programs:program_approve", "Let it go on")


def _wave(wave: Wave) -> Iterator[Offer]:
    if wave.state in (State.PLANNED, State.FAILED):
        label = "Take it up again" if wave.state == State.FAILED else "Start"
        yield offer(wave, "programs:wave_start", label, main=True)
        yield offer(wave, "programs:wave_start", FORCE, OverrideForm)
    if wave.state in (State.IN_PROGRESS, State.BLOCKED):
        yield offer(wave, "programs:wave_fail", "Give up", ReasonForm)
    if wave.state == State.BLOCKED:
        yield offer(wave, "programs:wave_start", "Let it go on")


def _task(task: Task, builders: Iterable[Any]) -> Iterator[Offer]:
    match task.state:
        case TaskState.PLANNED:
            builders = [*builders] or [*with_verdict()]
            yield offer_assignment(task, builders)
            if not task.assigned_builder:
                yield offer(task, "programs:task_start", "Begin it yourself")
            yield offer_assignment(task, builders, FORCE, AssignForm)
        case TaskState.ASSIGNED:
            yield offer(task, "builders:task_release", "Take it back")
        case TaskState.IN_PROGRESS:
            yield from offers_to_complete(task)
            yield offer(task, "programs:task_send_back", "Send back", ReasonForm)
            yield offer(task, "programs:task_fail", "Give up", ReasonForm)
        case TaskState.BLOCKED:
            yield offer(task, "builders:task_release", "Take it back")
            yield offer(task, "programs:task_fail", "Give up", ReasonForm)
            yield offer(task, "programs:task_start", "Let it go on")
        case TaskState.FAILED:
            yield offer(task, "builders:task_release", "Plan it again", main=True)


def offers_to_complete(task: Task) -> Iterator[Offer]:
    if task.evidence_location:
        yield offer(task, "programs:task_complete", "Complete", main=True)
    else:
        yield offer(task, "programs:task_complete", "Complete", ProofForm, main=True)
    yield offer(task, "programs:task_complete", FORCE, OverrideForm)


def offer_assignment(
    task: Task, builders: Iterable[Any], label: str = "Assign", form: Any = None
) -> Offer:
    """Offer to give a task to its builder, or to one that is idle."""
    free = (builder.pk for builder in builders if is_free(builder))
    likeliest = task.assigned_builder or next(free, None)
    return offer(
        task,
        "builders:task_assign",
        label,
        form or PlainAssignForm,
        main=form is None,
        initial=(("builder", likeliest),) if likeliest else (),
        choices=tuple(
            (builder.pk, f"{builder.pk} ({builder.verdict.replace('-', ' ')})")
            for builder in builders
        ),
    )


def is_free(builder: Builder) -> bool:
    return builder.state == Builder.State.IDLE and builder.current_task_id is None


def _builder(builder: Any) -> Iterator[Offer]:
    if builder.verdict == "paused":
        yield offer(builder, "builders:builder_resume", "End the pause")
    else:
        yield offer(builder, "builders:builder_pause", "Pause", PauseForm)


def offer_resolution(trouble: Blocker | GovernanceViolation, label: str = "Resolve") -> Offer:
    act = "governance:blocker_resolve"
    if isinstance(trouble, GovernanceViolation):
        act = "governance:violation_resolve"
    return offer(trouble, act, label, ResolutionForm, main=True)


def offers_to_object(entity: Program | Wave | Task) -> Iterator[Offer]:
    """Offer to say what is wrong with what is not completed."""
    if entity.state != State.COMPLETED:
        yield offer_to_block(entity)
        if isinstance(entity, Task):
            yield offer_to_record_violation(entity)


def offer_to_block(entity: Program | Wave | Task) -> Offer:
    args = [entity._meta.model_name, entity.pk]
    return offer(entity, "governance:blocker_raise", "Raise a blocker", BlockerRaiseForm, args=args)


def offer_to_record_violation(about: Task | Builder) -> Offer:
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
