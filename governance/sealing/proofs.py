"""Where a row of the record stands in the tree, and the proof of it (C2SP tlog-proof)."""

from base64 import b64encode
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Subquery

from governance.models import COMPLETIONS, Checkpoint, Evidence, RecordKind, SealedRecord
from governance.sealing.sources import source_of
from governance.sealing.stored_tree import read_nodes
from governance.sealing.tree import inclusion_proof

SEALS = """
    SELECT sealed.sequence, sealed.position, (
        SELECT number FROM evidence_checkpoints WHERE size > sealed.position
        ORDER BY size, number LIMIT 1)
    FROM sealed_records AS sealed WHERE kind = %s AND sequence = ANY (%s)
"""


class Seal(NamedTuple):
    """The place of a row in the tree, and the number of the first checkpoint over it."""

    sequence: int
    position: int
    checkpoint: int


def seals_of(sequences: Iterable[int], kind: str = RecordKind.EVIDENCE) -> dict[int, Seal]:
    """Return the seals of rows, by their numbers; those that are not sealed have none."""
    wanted = [*sequences]
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(SEALS, [kind, wanted])
        return {row[0]: Seal(*row) for row in cursor.fetchall()}


def completion_of(task_id: UUID) -> tuple[int, int | None] | None:
    """Return the number of the evidence that a task was completed, and that of its checkpoint."""
    first = Checkpoint.objects.filter(size__gt=OuterRef("position")).order_by("size", "number")
    sealed = SealedRecord.objects.filter(kind=RecordKind.EVIDENCE, sequence=OuterRef("sequence"))
    sealed = sealed.annotate(checkpoint=Subquery(first.values("number")[:1]))
    return (
        Evidence.objects.filter(COMPLETIONS, entity_id=task_id)
        .order_by("-sequence")
        .values_list("sequence", Subquery(sealed.values("checkpoint")[:1]))
        .first()
    )


def leaf_of(sequence: int, kind: str = RecordKind.EVIDENCE) -> str:
    """Return the text of a row as it is sealed."""
    source = source_of(kind)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {source.leaf}(record) FROM {source.table} AS record"  # noqa: S608  our own
            " WHERE sequence = %s",
            [sequence],
        )
        return cursor.fetchone()[0]


def proof_of(seal: Seal, kind: str = RecordKind.EVIDENCE) -> str:
    """Return the proof that a row is in the tree of its checkpoint, with the row's text as extra.

    Nobody signed the extra: a verifier hashes it, and sees that the proof is about this text.
    """
    checkpoint = Checkpoint.objects.get(number=seal.checkpoint)
    hashes = inclusion_proof(seal.position, checkpoint.size, read_nodes)
    lines = [
        "c2sp.org/tlog-proof@v1",
        f"extra {b64encode(leaf_of(seal.sequence, kind).encode()).decode()}",
        f"index {seal.position}",
        *(b64encode(each).decode() for each in hashes),
    ]
    return "\n".join(lines) + f"\n\n{checkpoint.note}"
