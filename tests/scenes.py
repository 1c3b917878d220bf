"""Scenes that many tests begin in, made of rows from the factories."""

from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Model
from django.utils.timezone import now

from builders.actions import assign_task
from builders.models import Builder
from governance.models import QAExecution
from programs.models import Task
from tests.database import without_triggers
from tests.factories import (
    ArchitectureValidationFactory,
    BuilderFactory,
    HeartbeatFactory,
    QAExecutionFactory,
    TaskFactory,
)


@contextmanager
def undone():
    """Try one case of a table: refuse what a commit would refuse, then roll back."""
    with transaction.atomic():
        yield
        connection.check_constraints()
        transaction.set_rollback(True)


def prepare(task: Task) -> Task:
    """Prepare a task for assignment: a validated architecture and a red suite."""
    ArchitectureValidationFactory(task=task)
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    return task


def make_ready(**fields) -> Task:
    """Make a task that an idle builder can be given at once: all builders have been heard."""
    Builder.objects.filter(heard_at=None).update(heard_at=now())
    return prepare(TaskFactory(**fields))


def take_up(task: Task, name: str = "ui-builder", *, progress: int = 10, **beat) -> Builder:
    """Assign a prepared task to a builder, which reports work on it once."""
    builder = BuilderFactory(builder_id=name, state="idle")
    assign_task(task, builder, by=None)
    HeartbeatFactory(builder=builder, task=task, progress_percentage=progress, **beat)
    task.refresh_from_db()
    return builder


def past_the_rules(row: Model, **columns) -> None:
    """Set columns of a row past every rule."""
    with transaction.atomic(), without_triggers():
        type(row).objects.filter(pk=row.pk).update(**columns)


def green_after_work(task: Task, **run) -> QAExecution:
    """Record a green run that came after the work, in a transaction that has only one time."""
    earlier = now() - timedelta(minutes=1)
    if Task.objects.filter(pk=task.pk, worked_at__isnull=False).exists():
        past_the_rules(task, worked_at=earlier, work_received_at=earlier)
    return QAExecutionFactory(task=task, executed_at=now(), **{"passing_tests": 5} | run)


def make_silent(builder_id: str = "ui-builder", **task) -> Builder:
    """Make a builder that holds a task and has not been heard of for five minutes."""
    held = TaskFactory(**{"state": "in-progress"} | task)
    builder = BuilderFactory(builder_id=builder_id, current_task=held)
    since = now() - timedelta(minutes=5)
    Builder.objects.filter(pk=builder_id).update(
        last_heartbeat=since, heard_at=since, assigned_at=since
    )
    return builder


def state_of(entity) -> str:
    """Return the state of a program, wave or task in the database."""
    return type(entity).objects.values_list("state", flat=True).get(pk=entity.pk)
