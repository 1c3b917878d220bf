"""Blockers and evidence name what they speak of by type and id: find it, in few queries."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Model

from builders.models import Builder
from programs.models import Program, Task, Wave


def find_entities(keys: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], Model]:
    """Find programs, waves, tasks and builders by (type, id), one query for each type."""
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for entity_type, entity_id in keys:
        wanted[entity_type].add(entity_id)
    found: dict[tuple[str, UUID], Model] = {}
    for entity_type, rows in (
        ("program", Program.objects.all()),
        ("wave", Wave.objects.select_related("program")),
        ("task", Task.objects.select_related("wave__program")),
    ):
        if ids := wanted.get(entity_type):
            found |= {(entity_type, row.pk): row for row in rows.filter(pk__in=ids)}
    if ids := wanted.get("builder"):
        found |= {
            ("builder", builder.entity_id): builder
            for builder in Builder.objects.all()
            if builder.entity_id in ids
        }
    return found


def name_entities(rows: Iterable[Any]) -> list[Any]:
    """Give each row its `entity`, or None where that was deleted."""
    rows = list(rows)
    found = find_entities((row.entity_type, row.entity_id) for row in rows)
    for row in rows:
        row.entity = found.get((row.entity_type, row.entity_id))
    return rows
