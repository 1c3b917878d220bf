"""What can be done about blockers, violations and the quality of work, each as one function."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from builders.models import AgentStop, Builder
from governance.gates import Condition, conditions, state_before_block
from governance.handover import is_known
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Budget,
    Classification,
    CompletionClaim,
    EntityNote,
    GovernanceViolation,
    HandoverReading,
    OrganisationMember,
    QAExecution,
    measure_budgets,
    pass_rate_of,
)
from governance.record_places import Place
from governance.recorded_tests import NamedTest, pair_tests, written_tests
from kit.core.acts import FOREMAN, Actor, NamedActor, Refused, act, name_of
from kit.core.sql import ContractNow
from kit.runtime.database.members import as_office, organisation_in_use
from programs.actions import complete_task, move, reason_given
from programs.models import Organisation, Program, Task, TaskState, Wave

# By the database's clock, which may be that of a transaction from before it was detected.
RESOLVED_NOW = Greatest(ContractNow(), F("detected_at"))


def raise_blocker(
    entity: Program | Wave | Task, *, classification: str, description: str, by: Actor
) -> Blocker:
    """Raise a blocker of a program, a wave or a task, which is blocked until that is resolved.

    The same blocker again is counted while it is open, and reopened if it was resolved.
    """
    with act(by), connection.cursor() as cursor:
        cursor.execute(
            "SELECT governance_raise_blocker(%s, %s, %s, %s)",
            [entity._meta.model_name, entity.pk, classification, description],
        )
        return Blocker.objects.get(pk=cursor.fetchone()[0])


def escalate(
    task: Task,
    *,
    classification: str,
    description: str,
    attempts: int | Sequence[str] = 0,
    last_error: str = "",
    by: Actor,
) -> Blocker:
    """Raise a blocker of a task with what was tried already, and what went wrong last."""
    said = [description.strip()]
    if isinstance(attempts, int):
        said += [f"Attempts so far: {attempts}."] * bool(attempts)
    elif attempts:
        said.append("\n".join(["Attempts so far:", *(f"- {attempt}" for attempt in attempts)]))
    if last_error.strip():
        said.append(f"Last error:\n{last_error.strip()}")
    with act(by, escalation={"attempts": attempts, "last_error": last_error}):
        return raise_blocker(
            task, classification=classification, description="\n\n".join(said), by=by
        )


def resolve_blocker(blocker: Blocker, *, resolution_action: str, by: Actor) -> Blocker:
    """Resolve a blocker, with what was done. One that is resolved already stays as it is."""
    with act(by):
        if blocker.resolved_at is None:
            blocker.resolved_at = RESOLVED_NOW
            blocker.resolution_action = resolution_action
            blocker.save(update_fields=["resolved_at", "resolution_action"])
    return blocker


def unblock[Entity: (Program, Wave, Task)](entity: Entity, *, by: Actor) -> Entity:
    """Return a blocked program, wave or task to the state that it had before."""
    with act(by):
        return move(entity, state_before_block(entity), by=by)


def record_violation(
    about: Task | Builder,
    *,
    violation_type: str,
    description: str,
    builder: Builder | None = None,
    by: Actor,
) -> GovernanceViolation:
    """Record a violation by a builder, or in the work on a task, which is halted."""
    with act(by):
        return GovernanceViolation.objects.create(
            task=about if isinstance(about, Task) else None,
            builder=about if isinstance(about, Builder) else builder,
            violation_type=violation_type,
            description=description,
        )


def resolve_violation(
    violation: GovernanceViolation, *, resolution: str, by: Actor
) -> GovernanceViolation:
    """Resolve a violation, with what was done. One that is resolved already stays as it is."""
    with act(by):
        if violation.resolved_at is None:
            violation.resolved_at = RESOLVED_NOW
            violation.resolution = resolution
            violation.save(update_fields=["resolved_at", "resolution"])
    return violation


def write_entity_note(about: Mapping[str, Any], *, text: str, by: Actor) -> EntityNote:
    """Write a note on anything but a task. It stays as it was written.

    `about` are the fields that say what it is about, and about what its evidence is.
    """
    with act(by):
        return EntityNote.objects.create(**about, text=text.strip(), written_by=name_of(by))


def read_handover(user: Any, place: Place, *, by: Actor) -> HandoverReading:
    """Move a person's place in the record on, by what was read, on whichever device.

    What was read before, or at the same time elsewhere, stays read.
    """
    if not is_known(place):
        raise Refused("handover_place_is_known", "The record of the office has no such place.")
    whose = {"user": user, "organisation_id": organisation_in_use()}
    with as_office(), act(by):
        HandoverReading.objects.bulk_create(
            [HandoverReading(**whose, place=str(place))], ignore_conflicts=True
        )
        row = HandoverReading.objects.select_for_update().get(**whose)
        joined = str(Place.parse(row.place) | place)
        if joined != row.place:
            row.place, row.read_at = joined, ContractNow()
            row.save(update_fields=["place", "read_at"])
    return row


def record_validation(
    task: Task, *, validation_results: Mapping[str, Mapping[str, bool]], by: Actor
) -> ArchitectureValidation:
    """Record a checklist on the task's architecture, {section: {item: passed}}.

    The database computes from its rate whether the architecture is ready.
    """
    with act(by):
        validation = ArchitectureValidation.objects.create(
            task=task,
            architecture_reference=task.architecture_reference,
            validation_results=validation_results,
            pass_rate=pass_rate_of(validation_results) or Decimal(0),
            build_readiness="",
            validated_by=by.actor_name if isinstance(by, NamedActor) else FOREMAN,
        )
        validation.refresh_from_db()
    return validation


def record_qa_execution(
    task: Task,
    *,
    passing: int,
    failing: int,
    skipped: int = 0,
    test_debt_count: int = 0,
    execution_time_ms: int | None = None,
    results: Sequence[NamedTest] = (),
    against: Sequence[str] = (),
    remarks: Sequence[str] = (),
    ended_at: datetime | None = None,
    zone_known: bool = True,
    exit_code: int | None = None,
    by: Actor,
) -> QAExecution:
    """Record a run of the task's own suite, and its tests by name where the report names them.

    `against` is what speaks against the run beside its tests; `ended_at` is when the run ended, as
    its sender says. The database computes the status.
    """
    with act(by), written_tests(task, results) as key:
        run = QAExecution.objects.create(
            execution_id=key,
            task=task,
            qa_suite_location=task.qa_suite_location,
            total_tests=passing + failing + skipped,
            passing_tests=passing,
            failing_tests=failing,
            skipped_tests=skipped,
            test_debt_count=test_debt_count,
            qa_status="",
            execution_time_ms=execution_time_ms,
            against=list(against),
            remarks=list(remarks),
            never_tests=sum(not result.is_test for result in results),
            ended_at=ended_at,
            ended_zone_known=zone_known,
            exit_code=exit_code,
        )
        run.refresh_from_db()
        pair_tests(run, results)
    return run


def claim_completion(task: Task, *, evidence_location: str = "", by: Builder) -> CompletionClaim:
    """Record a builder's claim that its task is done, with each condition of the gate.

    The task is completed if all are met. The claim is kept either way, with the answer.
    """
    with act(by):
        # Locked first, so that what the gate answers here is what it answers to the move.
        Task.objects.select_for_update(no_key=True).get(pk=task.pk)
        if evidence_location:
            task.evidence_location = evidence_location
            task.save(update_fields=["evidence_location"])
        answer = conditions(task, Task.State.COMPLETED)
        accepted = all(condition.met for condition in answer)
        if accepted:
            try:
                with transaction.atomic():  # a refusal undoes this alone
                    complete_task(task, by=by)
            except Refused as refused:  # its lifecycle: it is not in progress
                accepted = False
                answer.append(Condition(refused.rule, False, refused.message))
                task.refresh_from_db()
        return CompletionClaim.objects.create(
            task=task,
            builder=by,
            accepted=accepted,
            conditions=[condition._asdict() for condition in answer],
        )


def set_budget(
    of: Program | Builder,
    *,
    amount: Decimal | None,
    reason: str,
    is_gate: bool = False,
    by: Actor,
) -> Budget:
    """Set what a program may cost in all, or a builder in a month; None takes the budget away."""
    owner = {"program" if isinstance(of, Program) else "builder": of}
    with act(by):
        budget = Budget.objects.select_for_update().filter(**owner).first() or Budget(**owner)
        budget.amount, budget.reason, budget.set_at = amount, reason, ContractNow()
        budget.is_gate = is_gate
        fields = ["amount", "reason", "set_at", "is_gate"]
        budget.save(update_fields=None if budget._state.adding else fields)
        measure_budgets(timedelta(0))
    budget.refresh_from_db()
    return budget


def set_member(
    organisation: Organisation, user: User, role: str, *, reason: str = "", by: Actor
) -> OrganisationMember:
    """Make somebody a member of an organisation, or give a member another role there."""
    with act(by, **reason_given(reason)):
        member, _ = OrganisationMember.objects.update_or_create(
            organisation=organisation, user=user, defaults={"role": role}
        )
    return member


def remove_member(member: OrganisationMember, *, reason: str, by: Actor) -> None:
    """End a membership of an organisation."""
    with act(by, **reason_given(reason)):
        member.delete()


class Stop(NamedTuple):
    """Whether an agent's session may stop, and why not."""

    may: bool
    unmet: Sequence[Condition] = ()
    held: int = 0  # times that this session was held at this task, now included
    escalated: bool = False  # just now, because it was held often enough


def answer_stop(
    task: Task, *, session: str, most: int, is_continued: bool, by: Builder, escalates: bool = True
) -> Stop:
    """Hold an agent's session that stops before its task is done, `most` times at most.

    After that the task is escalated, and the session may stop. So it may where only a person can go
    on: the task is blocked, or a question waits. `is_continued` says that the session goes on only
    because it was held; then what was escalated once is not begun again. One that does not
    escalate, because it is a part of another session, is only held.
    """
    with act(by):
        task = Task.objects.select_for_update(no_key=True).get(pk=task.pk)
        waits = task.state not in (TaskState.ASSIGNED, TaskState.IN_PROGRESS)
        if waits or not most or task.questions.open().exists():
            return Stop(may=True)
        unmet = [each for each in conditions(task, TaskState.COMPLETED) if not each.met]
        stops, _ = AgentStop.objects.get_or_create(builder=by, task_id=task.pk, session=session)
        if stops.escalated_at and not is_continued:  # it was resolved since, or the task would wait
            stops.held, stops.escalated_at = 0, None
        if stops.escalated_at or (stops.held >= most and not escalates):
            return Stop(may=True, unmet=unmet, held=stops.held)
        escalated = stops.held >= most
        if escalated:
            stops.escalated_at = ContractNow()
            escalate(task, **gave_up(unmet, most), by=by)
        else:
            stops.held += 1
        stops.changed_at = ContractNow()
        stops.save(update_fields=["held", "escalated_at", "changed_at"])
        return Stop(may=escalated, unmet=unmet, held=stops.held, escalated=escalated)


def gave_up(unmet: Sequence[Condition], times: int) -> dict[str, Any]:
    """Return what is escalated when an agent stops in spite of unmet conditions."""
    missing = [f"- {each.rule}: {each.detail}" for each in unmet]
    return {
        "classification": Classification.REPEATED_FAILURES,
        "description": "\n".join(
            [
                "The agent stopped before the task was done, though it was told"
                f" {counted_times(times)} to go on.",
                "Not met:" if missing else "Every condition is met; it did not claim completion.",
                *missing,
            ]
        ),
    }


def counted_times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
