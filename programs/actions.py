"""What can be done with the plan, each as one function.

The database decides whether it may be done: see the gates.
"""

from contextlib import nullcontext
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from kit.core.acts import Actor, Refused, act, name_of
from kit.core.contents import confirm_contents
from kit.core.sql import ContractNow
from programs.models import Note, Organisation, PlanNote, Program, Task, TaskLink, TaskNote, Wave

# A program that moves locks most tables. Whoever waits for it longer than this is in its way, or
# it in theirs: it lets go of all, and begins again.
LOCK_PATIENCE = "500ms"
MOVE_ATTEMPTS = 20


def create_program(*, by: Actor, **fields: Any) -> Program:
    """Create a program. It is planned until it is approved."""
    with act(by):
        return Program.objects.create(**fields)


def create_wave(program: Program, *, by: Actor, **fields: Any) -> Wave:
    """Create a wave of a program."""
    with act(by):
        return Wave.objects.create(program=program, **fields)


def create_task(wave: Wave, *, by: Actor, **fields: Any) -> Task:
    """Create a task of a wave."""
    with act(by):
        return Task.objects.create(wave=wave, **to_be_assigned(fields))


def edit[Entity: (Program, Wave, Task)](
    entity: Entity, *, by: Actor, reason: str = "", **changes: Any
) -> Entity:
    """Change the fields of a program, a wave or a task, or the wave of a task; not the state.

    A change of the criteria, suite or architecture reference of work under way needs a `reason`,
    which the evidence keeps.
    """
    if entity.state == Task.State.PLANNED:
        changes = to_be_assigned(changes)
    with act(by, **reason_given(reason)):
        for field, value in changes.items():
            setattr(entity, field, value)
        entity.save(update_fields=[*changes])
    return entity


def reason_given(reason: str) -> dict[str, str]:
    """Return what an act declares of its reason: nothing where there is none."""
    return {"reason": reason} if reason else {}


def to_be_assigned(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields in which the planned builder is also the assigned one, unless that is given."""
    if "planned_builder" in fields:
        return {"assigned_builder": fields["planned_builder"], **fields}
    return fields


def delete(entity: Program | Wave | Task, *, by: Actor, shown: str | None = None) -> None:
    """Delete a program, a wave or a task with all inside it. What has history is refused.

    `shown` are the `contents` that the user was shown: with others nothing is deleted.
    """
    with act(by):
        if shown is not None:
            confirm_contents(type(entity)._base_manager.filter(pk=entity.pk), shown)
        entity.delete()


def add_link(task: Task, *, kind: str, url: str, label: str = "", by: Actor) -> TaskLink:
    """Add a link to a task: to a commit, a pull request, a log or an artefact."""
    with act(by):
        return TaskLink.objects.create(
            task=task, kind=kind, url=url.strip(), label=label.strip(), added_by=name_of(by)
        )


def remove_link(link: TaskLink, *, by: Actor) -> TaskLink:
    """Remove a link from its task; the evidence keeps it. One that is gone stays so."""
    with act(by):
        TaskLink.objects.filter(pk=link.pk).delete()
    return link


def write_note(task: Task, *, text: str, by: Actor) -> TaskNote:
    """Write a note on a task. It stays as it was written."""
    with act(by):
        return TaskNote.objects.create(task=task, text=text.strip(), written_by=name_of(by))


def withdraw_note[Written: Note](note: Written, *, reason: str, by: Actor) -> Written:
    """Withdraw a note with a reason. It stays, marked as withdrawn."""
    with act(by):
        note.withdrawn_at = ContractNow()
        note.withdrawn_by, note.withdrawn_because = name_of(by), reason
        note.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_because"])
    return note


def approve_program(program: Program, *, by: Actor, override: str = "") -> Program:
    """Approve a planned program, which begins."""
    return move(program, Program.State.IN_PROGRESS, by=by, override=override)


def send_back_plan(program: Program, *, note: str, by: Actor) -> PlanNote:
    """Record why a plan is not approved. It stays planned."""
    with act(by):
        return PlanNote.objects.create(program=program, note=note, written_by=name_of(by))


def allow_pull(program: Program, *, reason: str, by: Actor) -> Program:
    """Allow builders without a task to take the next one of a program."""
    return _set_pull(program, True, reason=reason, by=by)


def forbid_pull(program: Program, *, reason: str, by: Actor) -> Program:
    """Leave the assignment of a program's tasks to the foreman again."""
    return _set_pull(program, False, reason=reason, by=by)


def archive_program(program: Program, *, reason: str, by: Actor) -> Program:
    """Put a finished program away: out of lists and counts, unchanged until it is taken out."""
    with act(by, reason=reason):
        # Whoever changes one of its tasks or waves, or blocks one, has locked that first.
        for rows in (Task.objects.filter(wave__program=program), program.waves.all()):
            list(rows.order_by("pk").select_for_update(no_key=True, of=("self",)).values_list("pk"))
        program.archived_at = ContractNow()
        program.save(update_fields=["archived_at"])
        program.refresh_from_db(fields=["archived_at"])
    return program


def unarchive_program(program: Program, *, reason: str, by: Actor) -> Program:
    """Take a program out of the archive: into lists and counts, and open to changes again."""
    with act(by, reason=reason):
        program.archived_at = None
        program.save(update_fields=["archived_at"])
    return program


def _set_pull(program: Program, allowed: bool, *, reason: str, by: Actor) -> Program:
    with act(by, reason=reason):
        program.allows_pull = allowed
        program.save(update_fields=["allows_pull"])
    return program


def create_organisation(name: str, *, by: Actor, reason: str = "") -> Organisation:
    """Create an organisation. It has no programs and no members."""
    with act(by, **reason_given(reason)):
        return Organisation.objects.create(name=name)


def rename_organisation(
    organisation: Organisation, name: str, *, reason: str, by: Actor
) -> Organisation:
    """Change the name of an organisation."""
    with act(by, **reason_given(reason)):
        organisation.name = name
        organisation.save(update_fields=["name"])
    return organisation


def delete_organisation(organisation: Organisation, *, reason: str, by: Actor) -> None:
    """Delete an organisation that has nothing any more; its members leave it.

    What keeps it the database says, and not Django, which knows no reason.
    """
    with act(by, **reason_given(reason)), connection.cursor() as cursor:
        cursor.execute("DELETE FROM organisations WHERE organisation_id = %s", [organisation.pk])


def move_to_organisation(
    program: Program, to: Organisation | None, *, reason: str, by: Actor
) -> Program:
    """Move a program to another organisation, or the office itself, with all that hangs on it.

    Nothing else is written meanwhile to the tables that it takes along. Where others hold these, it
    lets them finish and begins again; after the last attempt it raises `OperationalError`.
    """
    for left in reversed(range(MOVE_ATTEMPTS)):
        within = transaction.atomic() if connection.in_atomic_block else nullcontext()
        try:
            with within:  # what is around it goes on
                _move_to_organisation(program, to, reason, by)
        except OperationalError as error:
            if not (left and isinstance(error.__cause__, LockNotAvailable)):
                raise
        else:
            break
    return program


def _move_to_organisation(
    program: Program, to: Organisation | None, reason: str, by: Actor
) -> None:
    with connection.cursor() as cursor, act(by, **reason_given(reason)):
        cursor.execute("SET LOCAL statement_timeout = 0")  # a long history takes long
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_PATIENCE])
        was = Program.objects.select_for_update(no_key=True).get(pk=program.pk).organisation_id
        name = _name_of_organisation(to.pk) if to else None
        if to and name is None:
            raise Refused("programs_programs_organisation", "The organisation has been deleted.")
        known = _name_of_organisation(was) if was else None
        program.organisation_id = to.pk if to else None
        with act(by, organisations=[known or (was and str(was)), name]):
            program.save(update_fields=["organisation_id"])


def _name_of_organisation(organisation_id: UUID) -> str | None:
    """Return the name of an organisation, which nobody deletes until the transaction ends."""
    rows = Organisation.objects.select_for_update(no_key=True).filter(pk=organisation_id)
    return rows.values_list("name", flat=True).first()


def start_wave(wave: Wave, *, by: Actor, override: str = "") -> Wave:
    """Start a planned wave."""
    return move(wave, Wave.State.IN_PROGRESS, by=by, override=override)


def accept_dependencies(wave: Wave, *, reason: str, by: Actor) -> Wave:
    """Accept that a wave continues although a wave that it depends on was reopened."""
    with act(by, reason=reason):
        wave.dependencies_accepted_at = ContractNow()
        wave.save(update_fields=["dependencies_accepted_at"])
    return wave


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
        return move(task, Task.State.COMPLETED, by=by)


def fail[Entity: (Program, Wave, Task)](entity: Entity, *, by: Actor, reason: str) -> Entity:
    """Fail a program, a wave or a task, with the reason."""
    with act(by, reason=reason):
        return move(entity, entity.State.FAILED, by=by)


def send_back_task(task: Task, *, by: Actor, reason: str) -> Task:
    """Fail a task with a reason, and plan it again."""
    with act(by, reason=reason):
        if task.state == Task.State.IN_PROGRESS:
            move(task, Task.State.FAILED, by=by)
        return move(task, Task.State.PLANNED, by=by)


def move[Entity: (Program, Wave, Task)](
    entity: Entity, state: str, *, by: Actor, override: str = ""
) -> Entity:
    """Move a program, a wave or a task to a state, if its lifecycle and its gate allow it.

    `override` is the reason to force it; evidence keeps it for ever.
    """
    with act(by, override=override):
        entity.state = state
        entity.save(update_fields=["state"])
    return entity
