"""What can be done with the plan, each as one function.

Whether it may be done is the database's to say: see the gates.
"""

from typing import Any

from foreman_office.kit.acts import Actor, act
from programs.models import Program, Task, Wave


def create_program(*, by: Actor, **fields: Any) -> Program:
    """Write a program down. It is planned, until it is approved."""
    with act(by):
        return Program.objects.create(**fields)


def create_wave(program: Program, *, by: Actor, **fields: Any) -> Wave:
    """Write a wave of a program down."""
    with act(by):
        return Wave.objects.create(program=program, **fields)


def create_task(wave: Wave, *, by: Actor, **fields: Any) -> Task:
    """Write a task of a wave down."""
    with act(by):
        return Task.objects.create(wave=wave, **fields)


def edit[Entity: (Program, Wave, Task)](entity: Entity, *, by: Actor, **changes: Any) -> Entity:
    """Change what a program, a wave or a task says, or which wave a task is in. States move."""
    with act(by):
        for field, value in changes.items():
            setattr(entity, field, value)
        entity.save(update_fields=[*changes])
    return entity


def delete(entity: Program | Wave | Task, *, by: Actor) -> None:
    """Remove a program, a wave or a task with all inside it. What has history stays."""
    with act(by):
        entity.delete()


def approve_program(program: Program, *, by: Actor, override: str = "") -> Program:
    """Let a planned program begin."""
    return move(program, Program.State.IN_PROGRESS, by=by, override=override)


def start_wave(wave: Wave, *, by: Actor, override: str = "") -> Wave:
    """Let the work of a wave begin."""
    return move(wave, Wave.State.IN_PROGRESS, by=by, override=override)


def start_task(task: Task, *, by: Actor, override: str = "") -> Task:
    """Begin a task that is the foreman's own work. A builder begins its task by a heartbeat."""
    return move(task, Task.State.IN_PROGRESS, by=by, override=override)


def complete_task(
    task: Task, *, evidence_location: str = "", by: Actor, override: str = ""
) -> Task:
    """Finish a task: its builder is freed, and its wave and program end with their last one.

    `evidence_location` says where the proof is, where the task does not say so yet.
    """
    with act(by, override=override):
        if evidence_location:
            task.evidence_location = evidence_location
            task.save(update_fields=["evidence_location"])
        return move(task, Task.State.COMPLETED, by=by, override=override)


def fail[Entity: (Program, Wave, Task)](entity: Entity, *, by: Actor, reason: str) -> Entity:
    """Give up on a program, a wave or a task, saying why."""
    with act(by, reason=reason):
        return move(entity, entity.State.FAILED, by=by)


def send_back_task(task: Task, *, by: Actor, reason: str) -> Task:
    """Take the work on a task back, saying why: the attempt failed, and it is planned again."""
    with act(by, reason=reason):
        if task.state == Task.State.IN_PROGRESS:
            move(task, Task.State.FAILED, by=by)
        return move(task, Task.State.PLANNED, by=by)


def move[Entity: (Program, Wave, Task)](
    entity: Entity, state: str, *, by: Actor, override: str = ""
) -> Entity:
    """Move a program, a wave or a task to a state, if its lifecycle and its gate let it.

    `override` is the reason to force it; evidence keeps it for ever.
    """
    with act(by, override=override):
        entity.state = state
        entity.save(update_fields=["state"])
    return entity
