"""The plan: a program is cut into waves, a wave into tasks (contract sections 1.1 to 1.3)."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Left

from foreman_office.kit.addresses import address_of
from foreman_office.kit.sql import ContractNow, RandomUUID, Words, WordsIndex


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


class BuilderName(models.TextChoices):
    """The five builders: a task names one by this key, and there are no others."""

    UI = "ui-builder", "ui-builder"
    API = "api-builder", "api-builder"
    SCHEMA = "schema-builder", "schema-builder"
    INTEGRATION = "integration-builder", "integration-builder"
    QA = "qa-builder", "qa-builder"

    @property
    def short(self) -> str:
        return self.value.removesuffix("-builder")


def one_of(table: str, field: str, choices: type[models.TextChoices]) -> models.CheckConstraint:
    """Return the check that the contract writes as `field IN (...)`, under PostgreSQL's name."""
    return models.CheckConstraint(
        condition=Q(**{f"{field}__in": choices.values}),
        name=f"{table}_{field}_check",
        violation_error_message=f"{field} must be one of {', '.join(choices.values)}.",
    )


def percentage(table: str, field: str = "progress_percentage") -> models.CheckConstraint:
    """Return the check that the contract writes as `field BETWEEN 0 AND 100`."""
    return models.CheckConstraint(
        condition=Q(**{f"{field}__range": (0, 100)}),
        name=f"{table}_{field}_check",
        violation_error_message=f"{field} must be between 0 and 100.",
    )


class ProgramQuerySet(models.QuerySet):
    def active(self):
        return self.filter(state__in=[State.IN_PROGRESS, State.BLOCKED])


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


class Program(models.Model):
    State = State
    MOVES = MOVES

    program_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    name = models.TextField()
    description = models.TextField()
    objectives = models.JSONField(db_default=[], blank=True)
    state = models.TextField(choices=State, default=State.PLANNED)
    progress_percentage = models.IntegerField(db_default=0)
    evidence_location = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    updated_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    created_by = models.UUIDField(null=True, blank=True)
    organisation_id = models.UUIDField(null=True, blank=True)

    objects = ProgramQuerySet.as_manager()

    class Meta:
        db_table = "programs"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                name="programs_name_key",
                violation_error_message="A program of this name exists.",
            ),
            one_of("programs", "state", State),
            percentage("programs"),
        ]
        indexes = [
            models.Index("state", name="idx_programs_state"),
            models.Index("organisation_id", name="idx_programs_org"),
            WordsIndex(Words("name"), name="idx_programs_words"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("programs:program", self.pk)


class WaveQuerySet(models.QuerySet):
    def active(self):
        return self.filter(state__in=[State.IN_PROGRESS, State.BLOCKED])


class Wave(models.Model):
    State = State
    MOVES = MOVES

    wave_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    # The foreign keys of the contract are made in SQL, with the actions that it states.
    program = models.ForeignKey(
        Program, models.CASCADE, related_name="waves", db_constraint=False, db_index=False
    )
    name = models.TextField()
    sequence_number = models.IntegerField()
    dependencies = models.JSONField(db_default=[], blank=True)
    state = models.TextField(choices=State, default=State.PLANNED)
    progress_percentage = models.IntegerField(db_default=0)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    updated_at = models.DateTimeField(db_default=ContractNow(), editable=False)

    objects = WaveQuerySet.as_manager()

    class Meta:
        db_table = "waves"
        ordering = ["program", "sequence_number"]
        constraints = [
            models.UniqueConstraint(
                fields=["program", "sequence_number"],
                name="waves_program_id_sequence_number_key",
                violation_error_message="The program has a wave with this sequence number.",
            ),
            one_of("waves", "state", State),
            percentage("waves"),
        ]
        indexes = [
            models.Index("program", name="idx_waves_program"),
            models.Index("state", name="idx_waves_state"),
            WordsIndex(Words("name"), name="idx_waves_words"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("programs:wave", self.pk)

    @property
    def dependency_ids(self) -> list[uuid.UUID]:
        return [uuid.UUID(key) for key in self.dependencies]


# Characters of a name by which tasks are ordered: an index takes no entry of more than 2.7 kB, and
# a name may be longer.
NAME_BEGINS = 200


class TaskQuerySet(models.QuerySet):
    def with_beginnings(self):
        """Add how the names begin, which lists are ordered by."""
        return self.annotate(name_begins=Left("name", NAME_BEGINS))

    def running(self):
        return self.filter(state__in=[TaskState.ASSIGNED, TaskState.IN_PROGRESS])


class Task(models.Model):
    State = TaskState
    MOVES = TASK_MOVES

    task_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    wave = models.ForeignKey(
        Wave, models.CASCADE, related_name="tasks", db_constraint=False, db_index=False
    )
    name = models.TextField()
    architecture_reference = models.TextField(blank=True)
    qa_suite_location = models.TextField(blank=True)
    acceptance_criteria = models.TextField(blank=True)
    assigned_builder = models.TextField(choices=BuilderName, null=True, blank=True)
    state = models.TextField(choices=TaskState, default=TaskState.PLANNED)
    progress_percentage = models.IntegerField(db_default=0)
    evidence_location = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    updated_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    # Beside the contract: the last heartbeat that changed the progress.
    worked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TaskQuerySet.as_manager()

    class Meta:
        db_table = "tasks"
        constraints = [
            one_of("tasks", "assigned_builder", BuilderName),
            one_of("tasks", "state", TaskState),
            percentage("tasks"),
        ]
        indexes = [
            models.Index("wave", name="idx_tasks_wave"),
            models.Index("state", name="idx_tasks_state"),
            models.Index("assigned_builder", name="idx_tasks_builder"),
            # Beside the contract: the orders of the list, each with a last word for equals.
            models.Index("wave", "state", name="idx_tasks_wave_state"),
            models.Index("updated_at", "task_id", name="idx_tasks_updated"),
            models.Index(Left("name", NAME_BEGINS), "task_id", name="idx_tasks_name"),
            models.Index("progress_percentage", "task_id", name="idx_tasks_progress"),
            models.Index("created_at", "task_id", name="idx_tasks_created"),
            # What of a wave can be begun, in the order in which it was planned.
            models.Index(
                "wave",
                "created_at",
                name="idx_tasks_planned",
                condition=Q(state=TaskState.PLANNED),
            ),
            # What was finished last.
            models.Index(
                "completed_at",
                "task_id",
                name="idx_tasks_completed",
                condition=Q(completed_at__isnull=False),
            ),
            WordsIndex(Words("name"), name="idx_tasks_words"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("programs:task", self.pk)
