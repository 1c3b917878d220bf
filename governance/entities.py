"""Find the entities that blockers and evidence refer to by type and id, in few queries."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from builders.models import Builder
from kit.core import prepared_query
from programs.models import Program, Task, Wave


def find_entities(keys: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], Model]:
    """Return programs, waves, tasks and builders by (type, id), one query for each type."""
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


# What is said of each, in the order of its fields, and the path of each from its program on.
READ: dict[type[Model], list[str]] = {
    Program: [
        *("program_id", "name", "state", "created_at", "updated_at", "allows_pull"),
        "archived_at",
    ],
    Wave: ["wave_id", "name", "state", "updated_at"],
    Task: [
        *("task_id", "name", "assigned_builder", "state", "evidence_location", "updated_at"),
        *("completed_at", "planned_builder"),
    ],
}
PATHS = """
    SELECT 'program', p.program_id, p.name, p.state, p.created_at, p.updated_at, p.allows_pull,
        p.archived_at,
        NULL::uuid, '', '', NULL::timestamptz,
        NULL::uuid, '', '', '', '', NULL::timestamptz, NULL::timestamptz, ''
    FROM programs AS p WHERE p.program_id = ANY (%(program)s)
    UNION ALL
    SELECT 'wave', p.program_id, p.name, p.state, p.created_at, p.updated_at, p.allows_pull,
        p.archived_at,
        w.wave_id, w.name, w.state, w.updated_at,
        NULL, '', '', '', '', NULL, NULL, ''
    FROM waves AS w JOIN programs AS p USING (program_id) WHERE w.wave_id = ANY (%(wave)s)
    UNION ALL
    SELECT 'task', p.program_id, p.name, p.state, p.created_at, p.updated_at, p.allows_pull,
        p.archived_at,
        w.wave_id, w.name, w.state, w.updated_at,
        t.task_id, t.name, t.assigned_builder, t.state, t.evidence_location, t.updated_at,
        t.completed_at, t.planned_builder
    FROM tasks AS t JOIN waves AS w USING (wave_id) JOIN programs AS p USING (program_id)
    WHERE t.task_id = ANY (%(task)s)
"""


def find_names(keys: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], Model]:
    """Return the names and addresses of the same in one query, for lists and cards.

    Whatever else is asked of one is read when it is asked.
    """
    wanted: dict[str, list[UUID]] = {"program": [], "wave": [], "task": [], "builder": []}
    for entity_type, entity_id in keys:
        wanted[entity_type].append(entity_id)
    builders = wanted.pop("builder")
    found = find_entities(("builder", key) for key in builders)
    parts: dict[UUID, Any] = {}  # of several tasks the wave and the program are the same

    def part(model: type[Model], values: Iterator[Any], **parent: Model) -> Any:
        names = READ[model]
        key, *others = islice(values, len(names))
        if key not in parts:
            parts[key] = row = model.from_db(DEFAULT_DB_ALIAS, names, [key, *others])
            for name, of in parent.items():
                setattr(row, name, of)
        return parts[key]

    for kind, *row in prepared_query.fetch(PATHS, wanted) if any(wanted.values()) else ():
        values = iter(row)
        path = part(Program, values)
        if kind != "program":
            path = part(Wave, values, program=path)
        if kind == "task":
            path = part(Task, values, wave=path)
        found[kind, path.pk] = path
    return found


def name_entities(rows: Iterable[Any]) -> list[Any]:
    """Set each row's `entity`, or None where that was deleted."""
    rows = list(rows)
    found = find_names((row.entity_type, row.entity_id) for row in rows)
    for row in rows:
        row.entity = found.get((row.entity_type, row.entity_id))
    return rows
