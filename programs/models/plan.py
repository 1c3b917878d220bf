"""The plan: a program is cut into waves, a wave into tasks (contract sections 1.1 to 1.3)."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Left

from kit.core.bounds import fits_index
from kit.core.sql import (
    ContractNow,
    Grams,
    GramsIndex,
    Lines,
    RandomUUID,
    Words,
    WordsIndex,
)
from kit.web.addresses import address_of
from programs.models.checks import not_before, one_of, percentage
from programs.models.due import FINISHED, Due, DueQuerySet, calendar_day, due_order, overdue_index
from programs.models.states import (
    MOVES,
    TASK_MOVES,
    BuilderName,
    State,
    TaskState,
    ValidatedBy,
)


class PlanQuerySet(DueQuerySet):
    """Programs, or waves."""

    def active(self):
        return self.filter(state__in=[State.IN_PROGRESS, State.BLOCKED])


class ProgramQuerySet(PlanQuerySet):
    def unarchived(self):
        return self.filter(archived_at=None)

    def archived(self):
        return self.filter(archived_at__isnull=False)


class Program(Due, models.Model):
    State = State
    MOVES = MOVES

    program_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    name = models.TextField(validators=[fits_index])
    description = models.TextField()
    objectives = models.JSONField(db_default=[], blank=True)
    state = models.TextField(choices=State, default=State.PLANNED)
    progress_percentage = models.IntegerField(db_default=0)
    evidence_location = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    updated_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    created_by = models.UUIDField(null=True, blank=True)
    organisation_id = models.UUIDField(null=True, blank=True)
    # Beside the contract: what a validation of the architecture looks at, "Section: item" a line,
    # and who may do it before a task is assigned.
    validation_checklist = models.JSONField(db_default=[], blank=True)
    validated_by = models.TextField(
        choices=ValidatedBy, default=ValidatedBy.FOREMAN, db_default=ValidatedBy.FOREMAN
    )
    # And whether a builder without a task may take the next one itself.
    allows_pull = models.BooleanField(default=False, db_default=False, editable=False)
    # And since when it is put away: out of lists and counts, and as it is until it is taken out.
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    due_on = models.DateField("due date", null=True, blank=True)

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
            one_of("programs", "validated_by", ValidatedBy),
            percentage("programs"),
            calendar_day("programs"),
            models.CheckConstraint(
                condition=Q(archived_at__isnull=True) | Q(state__in=FINISHED),
                name="programs_archived_at_check",
                violation_error_message="Only a finished program can be archived.",
            ),
        ]
        indexes = [
            models.Index("state", name="idx_programs_state"),
            models.Index("organisation_id", name="idx_programs_org"),
            WordsIndex(Words("name"), name="idx_programs_words"),
            overdue_index("programs"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("programs:program", self.pk)

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


MAX_ORDINAL = 10**9  # of the contract's INTEGER, so that numbers can be shifted


class Wave(Due, models.Model):
    State = State
    MOVES = MOVES

    wave_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    # The foreign keys of the contract are made in SQL, with the actions that it states.
    program = models.ForeignKey(
        Program, models.CASCADE, related_name="waves", db_constraint=False, db_index=False
    )
    name = models.TextField(validators=[fits_index])
    sequence_number = models.IntegerField(
        validators=[MinValueValidator(0), MaxValueValidator(MAX_ORDINAL)]
    )
    dependencies = models.JSONField(db_default=[], blank=True)
    state = models.TextField(choices=State, default=State.PLANNED)
    progress_percentage = models.IntegerField(db_default=0)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    updated_at = models.DateTimeField(db_default=ContractNow(), editable=False)

    # Beside the contract: when it was accepted that the wave goes on before what it depends on.
    dependencies_accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    due_on = models.DateField("due date", null=True, blank=True)

    objects = PlanQuerySet.as_manager()

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
            calendar_day("waves"),
        ]
        indexes = [
            models.Index("program", name="idx_waves_program"),
            models.Index("state", name="idx_waves_state"),
            WordsIndex(Words("name"), name="idx_waves_words"),
            overdue_index("waves"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("programs:wave", self.pk)

    @property
    def is_archived(self) -> bool:
        return self.program.is_archived

    @property
    def dependency_ids(self) -> list[uuid.UUID]:
        return [uuid.UUID(key) for key in self.dependencies]


# Characters of a name by which tasks are ordered: an index takes no entry of more than 2.7 kB, and
# a name may be longer.
NAME_BEGINS = 200


class TaskQuerySet(DueQuerySet):
    def with_beginnings(self):
        """Annotate how the names begin, which lists are ordered by."""
        return self.annotate(name_begins=Left("name", NAME_BEGINS))

    def running(self):
        return self.filter(state__in=[TaskState.ASSIGNED, TaskState.IN_PROGRESS])


class Task(Due, models.Model):
    State = TaskState
    MOVES = TASK_MOVES

    task_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    wave = models.ForeignKey(
        Wave, models.CASCADE, related_name="tasks", db_constraint=False, db_index=False
    )
    name = models.TextField(validators=[fits_index])
    architecture_reference = models.TextField(blank=True)
    qa_suite_location = models.TextField(blank=True, validators=[fits_index])
    acceptance_criteria = models.TextField(blank=True)
    assigned_builder = models.TextField(choices=BuilderName, null=True, blank=True)
    state = models.TextField(choices=TaskState, default=TaskState.PLANNED)
    progress_percentage = models.IntegerField(db_default=0)
    evidence_location = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    updated_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    # Beside the contract: who is to have it, and may read it and report its first runs before.
    planned_builder = models.TextField(choices=BuilderName, null=True, blank=True)
    # Beside the contract: the last heartbeat that changed the progress.
    worked_at = models.DateTimeField(null=True, blank=True, editable=False)
    # And when the office received that heartbeat; unknown of old ones.
    work_received_at = models.DateTimeField(null=True, blank=True, editable=False)
    due_on = models.DateField("due date", null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        db_table = "tasks"
        constraints = [
            one_of("tasks", "assigned_builder", BuilderName),
            one_of("tasks", "planned_builder", BuilderName),
            one_of("tasks", "state", TaskState),
            percentage("tasks"),
            not_before("tasks", "completed_at", "started_at"),
            calendar_day("tasks"),
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
            overdue_index("tasks"),
            models.Index(due_order(), "task_id", name="idx_tasks_due"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("programs:task", self.pk)

    @property
    def is_archived(self) -> bool:
        return self.wave.is_archived

    @property
    def builder_before_assignment(self) -> str | None:
        """Return the builder that may report about the task before it is assigned."""
        if self.state not in (TaskState.PLANNED, TaskState.BLOCKED):
            return None
        return self.planned_builder or self.assigned_builder

    @property
    def builder_words(self) -> str:
        """Return the assigned or planned builder, or the foreman, whose work is for no builder."""
        if self.assigned_builder or not self.planned_builder:
            return self.assigned_builder or "foreman"
        return f"{self.planned_builder} (planned)"


class PlanNote(models.Model):
    """Why a plan was sent back instead of approved. The plan stays planned."""

    note_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    program = models.ForeignKey(
        Program, models.DB_CASCADE, related_name="plan_notes", db_index=False
    )
    note = models.TextField()
    written_by = models.TextField(editable=False)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)

    class Meta:
        db_table = "plan_notes"
        constraints = [
            models.CheckConstraint(
                condition=Q(note__regex=r"\S"),
                name="plan_notes_note_check",
                violation_error_message="A plan is sent back with a note.",
            ),
        ]
        indexes = [
            models.Index("program", models.F("created_at").desc(), name="idx_plan_notes_program"),
            models.Index(models.F("created_at").desc(), name="idx_plan_notes_newest"),
            GramsIndex(Grams(Lines("note")), name="idx_plan_notes_grams"),
        ]

    def __str__(self) -> str:
        return self.note
