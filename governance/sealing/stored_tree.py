"""The tree as the database keeps it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Max

from governance.models import Checkpoint, SealedRecord
from governance.sealing.tree import Node


class MissingNodeError(Exception):
    """A part of the tree that should be in the database is not."""

    def __init__(self, node: Node) -> None:
        what = (
            f"leaf {node.index}" if not node.level else f"node {node.index} of level {node.level}"
        )
        super().__init__(f"The sealed record lacks {what}.")


NODES = """
    SELECT node.level, node.index, CASE
        WHEN node.level = 0 THEN
            (SELECT leaf_hash FROM sealed_records WHERE position = node.index)
        ELSE (SELECT hash FROM evidence_tree_nodes AS found
            WHERE found.level = node.level AND found.index = node.index)
    END
    FROM unnest(%s::int[], %s::bigint[]) AS node (level, index)
"""


def hashes_found(nodes: Sequence[Node]) -> dict[Node, bytes]:
    """Return the hashes of those subtrees that are there, in one query."""
    if not nodes:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(NODES, [[node.level for node in nodes], [node.index for node in nodes]])
        return {
            Node(level, index): bytes(content)
            for level, index, content in cursor.fetchall()
            if content is not None
        }


def read_nodes(nodes: Sequence[Node]) -> list[bytes]:
    """Return the hashes of subtrees, or raise `MissingNodeError`."""
    found = hashes_found(nodes)
    for node in nodes:
        if node not in found:
            raise MissingNodeError(node)
    return [found[node] for node in nodes]


def last_checkpoint() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-number").first()


def write_nodes(nodes: Iterable[tuple[Node, bytes]]) -> None:
    """Write the hashes of subtrees over two leaves or more."""
    rows = [(node, content) for node, content in nodes if node.level]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO evidence_tree_nodes (level, index, hash)"
            " SELECT * FROM unnest(%s::int[], %s::bigint[], %s::bytea[])",
            [
                [node.level for node, _ in rows],
                [node.index for node, _ in rows],
                [content for _, content in rows],
            ],
        )


def number_of_leaves() -> int:
    """Return how many leaves there are, as their places say."""
    last = SealedRecord.objects.aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def write_leaves(size: int, leaves: Sequence[Any]) -> None:
    """Write leaves after those that a tree of some size has: each with kind, sequence and hash."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sealed_records (position, kind, sequence, leaf_hash)"
            " SELECT %s + number - 1, kind, sequence, hash"
            " FROM unnest(%s::text[], %s::bigint[], %s::bytea[])"
            " WITH ORDINALITY AS leaf (kind, sequence, hash, number)",
            [
                size,
                [leaf.kind for leaf in leaves],
                [leaf.sequence for leaf in leaves],
                [leaf.hash for leaf in leaves],
            ],
        )
