"""Proofs between rows and checkpoints, many with one query for the parts of the tree they share."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import batched, pairwise
from typing import NamedTuple

from foreman_office.dashboard.evidence_archive.rows import BATCH, fetched
from governance.sealing.stored_tree import read_nodes
from governance.sealing.tree import Get, Node, consistency_proof, inclusion_proof

CHECKPOINTS = """
    SELECT number, size, made_at, note FROM evidence_checkpoints
    WHERE size > 0 ORDER BY size, number
"""

type Proof = list[bytes]


class SignedCheckpoint(NamedTuple):
    """A checkpoint of the record: its tree, and the note that was signed."""

    number: int
    size: int
    made_at: datetime
    note: str


def inclusion_proofs(positions: Iterable[int], size: int) -> Iterator[Proof]:
    """Yield the proof of each leaf in a tree of a size."""
    for batch in batched(positions, BATCH):
        yield from _proofs([_inclusion(position, size) for position in batch])


def consistency_proofs(sizes: Iterable[int]) -> Iterator[Proof]:
    """Yield the proof between each tree and the next."""
    for batch in batched(pairwise(sizes), BATCH):
        yield from _proofs([_consistency(old, new) for old, new in batch])


def _inclusion(position: int, size: int) -> Callable[[Get], Proof]:
    return lambda get: inclusion_proof(position, size, get)


def _consistency(old: int, new: int) -> Callable[[Get], Proof]:
    return lambda get: consistency_proof(old, new, get)


def _proofs(wanted: Sequence[Callable[[Get], Proof]]) -> list[Proof]:
    """Return proofs. They are made twice: first to learn which parts of the tree they need."""
    nodes: dict[Node, bytes] = {}

    def note(asked: Sequence[Node]) -> Sequence[bytes]:
        nodes.update(dict.fromkeys(asked, b""))
        return [b""] * len(asked)

    for proof in wanted:
        proof(note)
    nodes = dict(zip(nodes, read_nodes([*nodes]), strict=True))
    return [proof(lambda asked: [nodes[node] for node in asked]) for proof in wanted]


def checkpoints_for(
    positions: Sequence[int], witnessed: Collection[int]
) -> Iterator[SignedCheckpoint]:
    """Yield the checkpoints that an archive has, the oldest first.

    They are those that sealed one of the rows, the last of each day and of each key, those whose
    size was witnessed, and the last of all.
    """
    before = 0
    for this, following in _with_following(SignedCheckpoint(*row) for row in fetched(CHECKPOINTS)):
        sealed = bisect_left(positions, before) < bisect_left(positions, this.size)
        before = this.size
        if sealed or this.size in witnessed or following is None or _parts(this, following):
            yield this


def _parts(this: SignedCheckpoint, following: SignedCheckpoint) -> bool:
    """Return whether a day ends between two checkpoints, or one is signed by another key."""
    days = {each.made_at.astimezone(UTC).date() for each in (this, following)}
    signers = {_signers(each.note) for each in (this, following)}
    return len(days) > 1 or len(signers) > 1


def _signers(note: str) -> str:
    """Return the name of the key that signed a note with its id, which begin its last line."""
    name, signature = note.splitlines()[-1].split(" ")[1:]
    return f"{name} {signature[:5]}"


def _with_following(
    rows: Iterable[SignedCheckpoint],
) -> Iterator[tuple[SignedCheckpoint, SignedCheckpoint | None]]:
    last = None
    for row in rows:
        if last:
            yield last, row
        last = row
    if last:
        yield last, None
