"""What can be done about blockers, violations and the quality of work, each as one function."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from django.utils.timezone import now

from foreman_office.kit.acts import Actor, act
from governance.models import (
    ArchitectureValidation,
    Blocker,
    GovernanceViolation,
    QAExecution,
    QAStatus,
    Readiness,
)
from programs.models import Program, Task, Wave


def raise_blocker(
    entity: Program | Wave | Task, *, classification: str, description: str, by: Actor
) -> Blocker:
    """Say what holds a program, a wave or a task up."""
    with act(by):
        return Blocker.objects.create(
            entity_type=str(entity._meta.model_name),
            entity_id=entity.pk,
            classification=classification,
            description=description,
        )


def resolve_blocker(blocker: Blocker, *, resolution_action: str, by: Actor) -> Blocker:
    """Close a blocker, saying what was done. One that is closed already stays as it is."""
    with act(by):
        if blocker.resolved_at is None:
            blocker.resolved_at = now()
            blocker.resolution_action = resolution_action
            blocker.save(update_fields=["resolved_at", "resolution_action"])
    return blocker


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
        )


def record_qa_execution(
    task: Task,
    *,
    passing: int,
    failing: int,
    skipped: int = 0,
    test_debt_count: int = 0,
    execution_time_ms: int | None = None,
    by: Actor,
) -> QAExecution:
    """Keep a run of the task's own suite. Its status is what the counts say."""
    if not passing:
        status = QAStatus.RED
    elif failing or skipped or test_debt_count:
        status = QAStatus.PARTIAL
    else:
        status = QAStatus.GREEN
    with act(by):
        return QAExecution.objects.create(
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
