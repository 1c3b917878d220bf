"""No duration is below zero, also where a transaction's clock is behind what it ends."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from governance.models import Blocker, GovernanceViolation
from programs.models import Task
from tests.factories import BlockerFactory, GovernanceViolationFactory, TaskFactory
from tests.races import refusal
from tests.scenes import past_the_rules

pytestmark = pytest.mark.django_db(transaction=True)

# A transaction's now() is its beginning: what comes after it, it ends before it began.
BEGIN = ["BEGIN", "SELECT now()"]


def test_what_a_transaction_resolves_is_not_resolved_before_it_was_detected(connect):
    """The deletion of a task, and a resolved violation, resolve a blocker raised meanwhile."""
    task, other = TaskFactory(), TaskFactory()
    early = connect()
    assert refusal(early, BEGIN) is None
    deleted = BlockerFactory(entity_type="task", entity_id=task.pk)
    violation = GovernanceViolationFactory(task=other)
    statements = [
        ("DELETE FROM tasks WHERE task_id = %s", [task.pk]),
        "UPDATE governance_violations SET resolved_at = greatest(now(), detected_at)",
        "COMMIT",
    ]
    assert refusal(early, statements) is None
    deleted.refresh_from_db()
    assert deleted.resolved_at == deleted.detected_at
    raised = Blocker.objects.get(entity_id=other.pk)
    assert raised.resolved_at == raised.detected_at
    assert GovernanceViolation.objects.get() == violation


def test_work_is_not_completed_before_it_was_started(connect):
    task = TaskFactory(assigned_builder=None, qa_suite_location="", architecture_reference="",
                       evidence_location="s3://proof")  # fmt: skip
    early = connect()
    assert refusal(early, BEGIN) is None
    Task.objects.filter(pk=task.pk).update(state="in-progress")
    complete = "UPDATE tasks SET state = 'completed'"
    assert refusal(early, [complete, "COMMIT"]) is None
    task.refresh_from_db()
    assert task.completed_at == task.started_at


@pytest.mark.parametrize("factory", [BlockerFactory, GovernanceViolationFactory])
def test_a_person_resolves_what_the_office_detected_in_its_future(factory, sql):
    from governance.actions import resolve_blocker, resolve_violation

    row = factory()
    past_the_rules(row, detected_at=now() + timedelta(minutes=1))
    row.refresh_from_db()
    if isinstance(row, Blocker):
        resolve_blocker(row, resolution_action="Done.", by=None)
    else:
        resolve_violation(row, resolution="Done.", by=None)
    assert row.resolved_at == row.detected_at
