"""Filters for rows that refer to a program, wave, task or builder, or to what is inside it."""

from django.db.models import Q

from builders.models import Builder
from kit.core.sql import AmongThose
from programs.models import Program, Task, Wave


def about(entity: Program | Wave | Task | Builder) -> Q:
    """Return a filter for what refers to one program, wave, task or builder."""
    key = entity.entity_id if isinstance(entity, Builder) else entity.pk
    return Q(entity_type=entity._meta.model_name, entity_id=key)


def within(entity: Program | Wave | Task | Builder) -> Q:
    """Return a filter for what refers to an entity, or to anything inside it."""
    of = about(entity)
    if isinstance(entity, Program):
        of |= Q(AmongThose("entity_id", entity.waves.values("pk")), entity_type="wave")
        tasks = Task.objects.filter(wave__program=entity)
        of |= Q(AmongThose("entity_id", tasks.values("pk")), entity_type="task")
    elif isinstance(entity, Wave):
        of |= Q(AmongThose("entity_id", entity.tasks.values("pk")), entity_type="task")
    return of
