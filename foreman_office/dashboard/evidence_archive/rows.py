"""The evidence of a program: all that it, its waves and tasks ever left, in order of sealing."""

import json
from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from governance.models import Evidence
from programs.models import Program

BATCH = 1_000  # rows that are in memory at a time

# Of the program now, or once: what was deleted or moved elsewhere left evidence of where it was.
WAVES = """
    SELECT wave_id FROM waves WHERE program_id = %(program)s::uuid
    UNION
    SELECT entity_id FROM evidence_trail
    WHERE entity_type = 'wave' AND (
        context -> 'snapshot' ->> 'program_id' = %(program)s
        OR context -> 'changes' -> 'program_id' ? %(program)s)
"""
TASKS = """
    SELECT task_id FROM tasks WHERE wave_id = ANY (%(waves)s)
    UNION
    SELECT entity_id FROM evidence_trail
    WHERE entity_type = 'task' AND (
        context -> 'snapshot' ->> 'wave_id' = ANY (%(waves)s::text[])
        OR context -> 'changes' -> 'wave_id' ?| %(waves)s::text[])
"""
ROWS = """
    SELECT sealed.position, sealed.leaf_hash, governance_evidence_leaf(evidence_trail)
    FROM unnest(%(types)s::text[], %(ids)s::uuid[]) AS entity (type, id)
    JOIN evidence_trail
        ON evidence_trail.entity_type = entity.type AND evidence_trail.entity_id = entity.id
    LEFT JOIN sealed_records AS sealed
        ON sealed.kind = 'evidence' AND sealed.sequence = evidence_trail.sequence
    ORDER BY sealed.position NULLS LAST, evidence_trail.sequence
"""
numbers = count()


class Row(NamedTuple):
    """A row of evidence: the text that is hashed, and its place in the tree if it is sealed."""

    position: int | None
    leaf_hash: bytes | None
    text: str

    def evidence(self) -> Evidence:
        """Return the row as the text has it; its time stays the text's."""
        told = json.loads(self.text)
        return Evidence(
            **{name: value for name, value in told.items() if name not in ("kind", "entity_id")},
            entity_id=UUID(told["entity_id"]),
        )


def rows_of(program: Program) -> Iterator[Row]:
    """Yield the sealed rows of a program by their position, then those that are not sealed yet."""
    entities = {"program": [program.pk], **inside(program)}
    types = chain.from_iterable([kind] * len(ids) for kind, ids in entities.items())
    every = chain.from_iterable(entities.values())
    return (Row(*row) for row in fetched(ROWS, {"types": [*types], "ids": [*every]}))


def inside(program: Program) -> dict[str, list[UUID]]:
    """Return the ids of the waves and tasks that are in a program, or ever were."""
    with connection.cursor() as cursor:
        cursor.execute(WAVES, {"program": str(program.pk)})
        waves = [wave for (wave,) in cursor.fetchall()]
        cursor.execute(TASKS, {"waves": waves})
        return {"wave": waves, "task": [task for (task,) in cursor.fetchall()]}


def fetched(query: str, params: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query, few at a time. Also a transaction pooler allows such a cursor."""
    name = f"archive_{next(numbers)}"
    with connection.cursor() as cursor:
        cursor.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {query}", params)
        while True:
            cursor.execute(f"FETCH {BATCH} FROM {name}")
            rows = cursor.fetchall()
            yield from rows
            if len(rows) < BATCH:
                break
        cursor.execute(f"CLOSE {name}")
