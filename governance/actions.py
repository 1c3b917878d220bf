"""What can be done about blockers and violations, each as one function."""

from django.utils.timezone import now

from foreman_office.kit.acts import Actor, act
from governance.models import Blocker, GovernanceViolation
from programs.models import Program, Task, Wave


def raise_blocker(
    entity: Program | Wave | Task, *, classification: str, description: str, by: Actor
) -> Blocker:
    """Say what holds a program, a wave or a task up."""
    with act(by):
        return Blocker.objects.create(
            entity_type=entity._meta.model_name,
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
