"""Acts whose consequences are tested."""

from governance.actions import raise_blocker, resolve_blocker
from governance.models import Evidence
from tests.factories import (
    QAExecutionFactory,
)


def trouble(entity, classification="protected_path"):
    return raise_blocker(entity, classification=classification, description="A lock.", by=None)


def resolve(blocker):
    blocker.refresh_from_db()
    resolve_blocker(blocker, resolution_action="Opened.", by=None)


def verbs(entity):
    trail = Evidence.objects.of(entity).filter(witnessed=True).order_by("sequence")
    return [row.action for row in trail]


# --- completing -----------------------------------------------------------------------------------


def turn_green(task):
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    QAExecutionFactory(task=task, passing_tests=5)
