import pytest

from governance.models import Evidence
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    QAExecutionFactory,
    TaskFactory,
)


@pytest.fixture
def office(task):
    """A row in every governed table, by the name of the table."""
    return {
        "programs": task.wave.program,
        "waves": task.wave,
        "tasks": task,
        "blockers": BlockerFactory(entity=task),
        "governance_violations": GovernanceViolationFactory(task=task),
        "architecture_validations": ArchitectureValidationFactory(task=task),
        "qa_executions": QAExecutionFactory(task=task),
    }


@pytest.fixture
def held(wave):
    """A task in progress, assigned to a builder."""
    task = TaskFactory(wave=wave, state="in-progress", evidence_location="s3://proof")
    BuilderFactory(current_task=task, state="active")
    return task


@pytest.fixture
def trail(db):
    """Return the evidence since the test was set up, or since the last call."""
    seen = Evidence.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0

    def trail():
        nonlocal seen
        rows = list(Evidence.objects.filter(sequence__gt=seen).order_by("sequence"))
        seen = max([seen, *(row.sequence for row in rows)])
        return rows

    return trail
