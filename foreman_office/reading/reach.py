"""What a caller may read: a builder what concerns it, a CI token what is of its programs."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet

from builders.models import Builder, CIToken
from foreman_office.api.callers import Caller
from foreman_office.dashboard.explain.impact import program_of
from governance.models import Blocker, QAExecution
from programs.models import Program, Task, Wave


def readable_tasks(by: Caller) -> QuerySet[Task]:
    """Return a builder's tasks, planned and assigned; of a CI token those of its programs."""
    if isinstance(by, CIToken):
        return Task.objects.filter(_of_programs(by, "wave__program"))
    own = Q(assigned_builder=by.pk) | Q(planned_builder=by.pk) | Q(pk=by.current_task_id)
    return Task.objects.filter(own)


def readable_waves(by: Caller) -> QuerySet[Wave]:
    """Return the waves of a builder's tasks; of a CI token those of its programs."""
    if isinstance(by, CIToken):
        return Wave.objects.filter(_of_programs(by, "program"))
    return Wave.objects.filter(pk__in=readable_tasks(by).values("wave"))


def readable_programs(by: Caller) -> QuerySet[Program]:
    """Return the programs of a builder's tasks; of a CI token those that it is for."""
    if isinstance(by, CIToken):
        return Program.objects.filter(_of_programs(by, "pk"))
    return Program.objects.filter(pk__in=readable_tasks(by).values("wave__program"))


def readable_runs(by: Caller) -> QuerySet[QAExecution]:
    if isinstance(by, CIToken):
        return QAExecution.objects.filter(_of_programs(by, "task__wave__program"))
    return QAExecution.objects.filter(task__in=readable_tasks(by))


def readable_blockers(by: Caller) -> QuerySet[Blocker]:
    if isinstance(by, CIToken) and by.program_ids is None:
        return Blocker.objects.all()
    about = Q(entity_type="task", entity_id__in=readable_tasks(by).values("pk"))
    about |= Q(entity_type="wave", entity_id__in=readable_waves(by).values("pk"))
    about |= Q(entity_type="program", entity_id__in=readable_programs(by).values("pk"))
    return Blocker.objects.filter(about)


def readable_builders(by: Caller) -> QuerySet[Builder]:
    """Return a builder itself; of a CI token those whose task it may read, or all."""
    if isinstance(by, Builder):
        return Builder.objects.filter(pk=by.pk)
    if by.program_ids is None:
        return Builder.objects.all()
    return Builder.objects.filter(current_task__in=readable_tasks(by))


def about_what(by: Caller) -> Callable[[Any], bool]:
    """Return a test of whether a caller may read about a program, wave, task or builder."""
    if isinstance(by, CIToken):
        ids = None if by.program_ids is None else {*by.program_ids}
        return lambda entity: ids is None or str(program_of(entity)) in ids
    found = (readable_tasks(by), readable_waves(by), readable_programs(by))
    keys = {key for rows in found for key in rows.values_list("pk", flat=True)} | {by.pk}
    return lambda entity: entity is not None and entity.pk in keys


def _of_programs(by: CIToken, field: str) -> Q:
    return Q() if by.program_ids is None else Q(**{f"{field}__in": by.program_ids})
