"""What can be done about blockers, violations and the quality of work, each as one function."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from django.db import connection
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.kit.acts import FOREMAN, Actor, NamedActor, Refused, act
from governance.gates import Condition, conditions
from governance.junit import Result
from governance.models import (
    ArchitectureValidation,
    Blocker,
    CompletionClaim,
    GovernanceViolation,
    QAExecution,
    QAStatus,
    Readiness,
)
from programs.actions import complete_task
from programs.models import Program, Task, Wave


def raise_blocker(
    entity: Program | Wave | Task, *, classification: str, description: str, by: Actor
) -> Blocker:
    """Say what holds a program, a wave or a task up. It is blocked until that is resolved.

    The same trouble again is counted where it is open, and opened again where it was resolved.
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
    """Say what holds a task up, what was tried already, and what went wrong last."""
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
    """Close a blocker, saying what was done. One that is closed already stays as it is."""
    with act(by):
        if blocker.resolved_at is None:
            blocker.resolved_at = now()
            blocker.resolution_action = resolution_action
            blocker.save(update_fields=["resolved_at", "resolution_action"])
    return blocker


def record_violation(
    about: Task | Builder,
    *,
    violation_type: str,
    description: str,
    builder: Builder | None = None,
    by: Actor,
) -> GovernanceViolation:
    """Keep that a rule was broken: by a builder, or in the work on a task, which is halted."""
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
    """Close a violation, saying what was done. One that is closed already stays as it is."""
    with act(by):
        if violation.resolved_at is None:
            violation.resolved_at = now()
            violation.resolution = resolution
            violation.save(update_fields=["resolved_at", "resolution"])
    return violation


def record_validation(
    task: Task, *, validation_results: Mapping[str, Mapping[str, bool]], by: Actor
) -> ArchitectureValidation:
    """Keep a checklist on the task's architecture, {section: {item: passed}}, and its verdict."""
    passed = [ok for items in validation_results.values() for ok in items.values()]
    # Rounded down: a rate of 100 is a full pass and nothing else.
    rate = (Decimal(100) * sum(passed) / len(passed)).quantize(Decimal("0.01"), ROUND_DOWN)
    with act(by):
        return ArchitectureValidation.objects.create(
            task=task,
            architecture_reference=task.architecture_reference,
            validation_results=validation_results,
            pass_rate=rate,
            build_readiness=Readiness.READY if rate == 100 else Readiness.NOT_READY,
            validated_by=by.actor_name if isinstance(by, NamedActor) else FOREMAN,
        )


def record_qa_execution(
    task: Task,
    *,
    passing: int,
    failing: int,
    skipped: int = 0,
    test_debt_count: int = 0,
    execution_time_ms: int | None = None,
    results: Sequence[Result] = (),
    by: Actor,
) -> QAExecution:
    """Keep a run of the task's own suite, and its tests by name where the report names them.

    The status is what the counts say.
    """
    if not passing:
        status = QAStatus.RED
    elif failing or skipped or test_debt_count:
        status = QAStatus.PARTIAL
    else:
        status = QAStatus.GREEN
    with act(by):
        run = QAExecution.objects.create(
            task=task,
            qa_suite_location=task.qa_suite_location,
            total_tests=passing + failing + skipped,
            passing_tests=passing,
            failing_tests=failing,
            skipped_tests=skipped,
            test_debt_count=test_debt_count,
            qa_status=status,
            execution_time_ms=execution_time_ms,
        )
        _keep_results(run, results)
    return run


def _keep_results(run: QAExecution, results: Sequence[Result]) -> None:
    """Write the tests of a run. There may be fifty thousand, while others wait for their task."""
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY qa_test_results (execution_id, name, outcome, flaky, message) FROM STDIN"
        ) as copy,
    ):
        for result in results:
            copy.write_row((run.pk, result.name, str(result.outcome), result.flaky, result.message))


def claim_completion(task: Task, *, evidence_location: str = "", by: Builder) -> CompletionClaim:
    """Let a builder say that its task is done, and answer with each condition of the gate.

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
