"""Blockers and evidence name what they speak of by type and id: find it, in few queries."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from builders.models import Builder
from foreman_office.kit import prepared
from programs.models import Program, Task, Wave

LONG = ["description", "objectives"]
OF_WAVE = ["dependencies", *(f"program__{name}" for name in LONG)]
OF_TASK = ["acceptance_criteria", *(f"wave__{name}" for name in OF_WAVE)]


def find_entities(keys: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], Model]:
    """Find programs, waves, tasks and builders by (type, id), one query for each type.

    They are to be named and decided about: what is long, or has to be parsed, is not read.
    """
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for entity_type, entity_id in keys:
        wanted[entity_type].add(entity_id)
    found: dict[tuple[str, UUID], Model] = {}
    for entity_type, rows in (
        ("program", Program.objects.defer(*LONG)),
        ("wave", Wave.objects.select_related("program").defer(*OF_WAVE)),
        ("task", Task.objects.select_related("wave__program").defer(*OF_TASK)),
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


# The path of each from its program on, by key, name and state.
PATHS = """
    SELECT 'program', p.program_id, p.name, p.state, NULL::uuid, '', '', NULL::uuid, '', ''
    FROM programs AS p WHERE p.program_id = ANY (%(program)s)
    UNION ALL
    SELECT 'wave', p.program_id, p.name, p.state, w.wave_id, w.name, w.state, NULL, '', ''
    FROM waves AS w JOIN programs AS p USING (program_id) WHERE w.wave_id = ANY (%(wave)s)
    UNION ALL
    SELECT 'task', p.program_id, p.name, p.state, w.wave_id, w.name, w.state,
        t.task_id, t.name, t.state
    FROM tasks AS t JOIN waves AS w USING (wave_id) JOIN programs AS p USING (program_id)
    WHERE t.task_id = ANY (%(task)s)
"""


def find_names(keys: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], Model]:
    """Find the same in one question, for lists: their names and states, and where they are.

    Whatever else is asked of one is read when it is asked.
    """
    wanted: dict[str, list[UUID]] = {"program": [], "wave": [], "task": [], "builder": []}
    for entity_type, entity_id in keys:
        wanted[entity_type].append(entity_id)
    builders = wanted.pop("builder")
    found = find_entities(("builder", key) for key in builders)
    for kind, *values in prepared.fetch(PATHS, wanted) if any(wanted.values()) else ():
        path: Any = part(Program, values[:3])
        if kind != "program":
            path = part(Wave, values[3:6], program=path)
        if kind == "task":
            path = part(Task, values[6:], wave=path)
        found[kind, path.pk] = path
    return found


def part(model: type[Model], values: list[Any], **parent: Model) -> Model:
    """Return a row of which the key, the name and the state were read, within its parent."""
    row = model.from_db(DEFAULT_DB_ALIAS, [model._meta.pk.attname, "name", "state"], values)
    for name, of in parent.items():
        setattr(row, name, of)
    return row


def name_entities(rows: Iterable[Any]) -> list[Any]:
    """Give each row its `entity`, or None where that was deleted."""
    rows = list(rows)
    found = find_names((row.entity_type, row.entity_id) for row in rows)
    for row in rows:
        row.entity = found.get((row.entity_type, row.entity_id))
    return rows
