"""The Merkle tree of RFC 6962 over SHA-256, as pure functions.

A tree of any size is made of complete subtrees. `Node(level, index)` names the one over the leaves
`index << level` up to `(index + 1) << level`; at level 0 that is the leaf's hash itself. What
computes something asks `get` once for the hashes of all the subtrees that it needs, in order.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

EMPTY_ROOT = sha256().digest()


class Node(NamedTuple):
    """The place of a complete subtree."""

    level: int
    index: int


type Get = Callable[[Sequence[Node]], Sequence[bytes]]
type Range = tuple[int, int]  # of leaves, without the last


class ProofError(ValueError):
    """A proof that does not hold, with the reason."""


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def complete_subtrees(start: int, end: int) -> Iterator[Node]:
    """Yield the largest complete subtrees over a range that a tree or a subtree of it covers."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield Node(level, start >> level)
        start += 1 << level


def peaks(size: int) -> list[Node]:
    """Return the complete subtrees of a tree, the largest first."""
    return [*complete_subtrees(0, size)]


def joined(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over subtrees that lie side by side, the largest first."""
    *lefts, whole = hashes
    for left in reversed(lefts):
        whole = node_hash(left, whole)
    return whole


def root(size: int, get: Get) -> bytes:
    """Return the hash of a tree."""
    return joined(get(peaks(size))) if size else EMPTY_ROOT


def grown(
    size: int, hashes: Sequence[bytes], leaves: Iterable[bytes]
) -> Iterator[tuple[Node, bytes]]:
    """Yield the complete subtrees that come with more leaves, the leaves themselves at level 0.

    `hashes` are those of the `peaks` of the tree as it is.
    """
    edge = [*zip(peaks(size), hashes, strict=True)]
    for index, leaf in enumerate(leaves, start=size):
        edge.append((Node(0, index), leaf))
        yield edge[-1]
        while len(edge) > 1 and edge[-1][0].level == edge[-2][0].level:
            (right, right_hash), (_, left_hash) = edge.pop(), edge.pop()
            edge.append((Node(right.level + 1, right.index >> 1), node_hash(left_hash, right_hash)))
            yield edge[-1]


# --- proofs ---------------------------------------------------------------------------------------


def inclusion_proof(position: int, size: int, get: Get) -> list[bytes]:
    """Return the proof that a leaf is in a tree, from its sibling to the root's child."""
    if not 0 <= position < size:
        raise ProofError(f"A tree of {size} leaves has no leaf {position}.")
    start, end, ranges = 0, size, []
    while end - start > 1:
        middle = start + _left_of(end - start)
        if position < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return _hashes_over(ranges[::-1], get)


def consistency_proof(old: int, new: int, get: Get) -> list[bytes]:
    """Return the proof that a tree begins with the leaves of an older one."""
    if not 0 <= old <= new:
        raise ProofError(f"A tree of {new} leaves does not begin with one of {old}.")
    if old in (0, new):
        return []
    start, end, ranges = 0, new, []
    while old != end:
        middle = start + _left_of(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # else it is the old tree itself, whose hash the verifier has
        ranges.append((start, end))
    return _hashes_over(ranges[::-1], get)


def _left_of(size: int) -> int:
    """Return how many leaves stand left in a tree: the largest power of two below its size."""
    return 1 << ((size - 1).bit_length() - 1)


def _hashes_over(ranges: Iterable[Range], get: Get) -> list[bytes]:
    parts = [[*complete_subtrees(*each)] for each in ranges]
    found = iter(get([node for part in parts for node in part]))
    return [joined([next(found) for _ in part]) for part in parts]


# --- verification (RFC 9162, 2.1.3.2 and 2.1.4.2) -------------------------------------------------


def verify_inclusion(
    leaf: bytes, position: int, size: int, proof: Sequence[bytes], root_hash: bytes
) -> None:
    """Raise `ProofError` unless the proof leads from the hash of a leaf to that of the tree."""
    if not 0 <= position < size:
        raise ProofError(f"A tree of {size} leaves has no leaf {position}.")
    first, last, found = position, size - 1, leaf
    for each in proof:
        if not last:
            raise ProofError("The proof has more hashes than the tree has levels.")
        if first & 1 or first == last:
            found = node_hash(each, found)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            found = node_hash(found, each)
        first, last = first >> 1, last >> 1
    if last:
        raise ProofError("The proof has fewer hashes than the tree has levels.")
    if found != root_hash:
        raise ProofError("The proof leads to another root.")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Raise `ProofError` unless the tree of the new root begins with the tree of the old one."""
    if not 0 <= old <= new:
        raise ProofError(f"A tree of {new} leaves does not begin with one of {old}.")
    if old in (0, new):
        if proof:
            raise ProofError("The proof should be empty.")
        if old_root != (new_root if old else EMPTY_ROOT):
            raise ProofError("The roots differ.")
        return
    hashes = [*proof]
    if not old & (old - 1):
        hashes.insert(0, old_root)
    if not hashes:
        raise ProofError("The proof is empty.")
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    before = after = hashes[0]
    for each in hashes[1:]:
        if not last:
            raise ProofError("The proof has more hashes than the tree has levels.")
        if first & 1 or first == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            after = node_hash(after, each)
        first, last = first >> 1, last >> 1
    if last:
        raise ProofError("The proof has fewer hashes than the tree has levels.")
    if before != old_root:
        raise ProofError("The proof leads to another root of the old tree.")
    if after != new_root:
        raise ProofError("The proof leads to another root of the new tree.")
