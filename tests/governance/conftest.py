import pytest

from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    GovernanceViolationFactory,
    QAExecutionFactory,
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
