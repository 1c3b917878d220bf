"""The states of the plan, who builds it and who validates it."""

from django.db import models


class State(models.TextChoices):
    """The states of a program and of a wave."""

    PLANNED = "planned"
    IN_PROGRESS = "in-progress", "In progress"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"


class TaskState(models.TextChoices):
    """The states of a task: those of its wave, and assigned."""

    PLANNED = "planned"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in-progress", "In progress"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"


# Of a task that is under way: what it is judged by is changed only for a reason.
UNDER_WAY = frozenset({TaskState.ASSIGNED, TaskState.IN_PROGRESS, TaskState.BLOCKED})
JUDGED_BY = ("acceptance_criteria", "qa_suite_location", "architecture_reference")


class BuilderName(models.TextChoices):
    """The five builders: a task refers to one by this key, and there are no others."""

    UI = "ui-builder", "ui-builder"
    API = "api-builder", "api-builder"
    SCHEMA = "schema-builder", "schema-builder"
    INTEGRATION = "integration-builder", "integration-builder"
    QA = "qa-builder", "qa-builder"

    @property
    def short(self) -> str:
        return self.value.removesuffix("-builder")


class ValidatedBy(models.TextChoices):
    """Who may validate the architecture of a program's tasks before they are assigned."""

    FOREMAN = "foreman", "the foreman"
    BUILDER = "builder", "the foreman or the planned builder"


# The lifecycles, so that a page can offer the right buttons. The database enforces them.
MOVES = {
    "planned": {"in-progress", "blocked"},
    "in-progress": {"blocked", "completed", "failed"},
    "blocked": {"planned", "in-progress", "failed"},
    "failed": {"in-progress"},
    "completed": set(),
}
TASK_MOVES = {
    "planned": {"assigned", "blocked"},
    "assigned": {"in-progress", "planned", "blocked"},
    "in-progress": {"completed", "blocked", "failed"},
    "blocked": {"planned", "assigned", "in-progress", "failed"},
    "failed": {"planned"},
    "completed": set(),
}
