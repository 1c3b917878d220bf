"""The sealed record compared with the rows as they are, with its signatures and with witnesses.

The tree is built anew from the leaves, one chunk in memory at a time; on the way each row is hashed
again, each node compared, and each root, the database's and the witnesses', met at its size.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from django.db import connection

from governance.models import Checkpoint, EvidenceKey, KeyEntry
from governance.sealing.notes import NoteError, PublicKey, TreeHead, opened, parted
from governance.sealing.sealer import TIMELINE
from governance.sealing.sources import SOURCES
from governance.sealing.stored_tree import hashes_found, number_of_leaves
from governance.sealing.tree import EMPTY_ROOT, Node, grown, joined, peaks

CHUNK = 4_096  # leaves

HASHES = ", ".join(
    f"CASE WHEN {source.table}.sequence IS NOT NULL THEN"
    f" sha256('\\x00'::bytea || convert_to({source.leaf}({source.table}), 'UTF8')) END"
    for source in SOURCES
)
ROWS = " ".join(
    f"LEFT JOIN {source.table} ON sealed.kind = '{source.kind}'"
    f" AND {source.table}.sequence = sealed.sequence"
    for source in SOURCES
)
LEAVES = f"""
    SELECT sealed.position, sealed.kind, sealed.sequence, sealed.leaf_hash, coalesce({HASHES})
    FROM sealed_records AS sealed {ROWS}
    WHERE sealed.position >= %s AND sealed.position < %s ORDER BY sealed.position
"""  # noqa: S608  our own names
FORGOTTEN = """
    SELECT record.sequence FROM {table} AS record
    WHERE record.sequence <= %(complete)s AND NOT EXISTS (
        SELECT FROM sealed_records AS sealed
        WHERE sealed.kind = %(kind)s AND sealed.sequence = record.sequence)
    ORDER BY record.sequence LIMIT 1
"""


class SealDifference(NamedTuple):
    """A difference between what was sealed or signed and what is there, as a sentence.

    `rule` is one of: row changed, row missing, row added, leaf missing, tree changed, tail cut,
    checkpoint missing, checkpoint changed, another key, another record, restarted.
    """

    rule: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


class Witnessed(NamedTuple):
    """A root that the tree must have had at some size, and who says so."""

    root: bytes
    who: str


class Verification:
    """Compares the sealed record with everything that can be had, in one snapshot of the caller.

    `notes` are checkpoints that a witness kept.
    """

    def __init__(self, notes: Iterable[str] = ()) -> None:
        self.notes = [*notes]
        self.leaves = 0
        self.checkpoints = 0
        self.witnessed = 0
        self.signed_size = 0
        self.entries = [*EvidenceKey.objects.order_by("number")]
        self.expected: dict[int, list[Witnessed]] = defaultdict(list)  # by the tree's size

    def differences(self) -> Iterator[SealDifference]:
        """Yield what differs: signatures, then rows and tree in their order, then what is cut."""
        yield from self.check_checkpoints()
        yield from self.check_witnesses()
        yield from self.check_tree()
        yield from self.check_ends()
        yield from self.check_forgotten()

    # --- what was signed --------------------------------------------------------------------------

    def key_for(self, number: int) -> PublicKey | None:
        """Return the key that signs a checkpoint by its number."""
        signing = [each for each in self.entries if each.from_checkpoint <= number]
        return public_key(signing[-1]) if signing else None

    def check_checkpoints(self) -> Iterator[SealDifference]:
        """Yield what is wrong with the database's own checkpoints."""
        size = 0
        for number, each in enumerate(Checkpoint.objects.order_by("number").iterator(), 1):
            what, self.signed_size = f"Checkpoint {each.number}", each.size
            if each.number != number:
                yield SealDifference(
                    "checkpoint missing", f"Checkpoint {number} is missing before {each.number}."
                )
                return
            key = self.key_for(number)
            try:
                head = opened(each.note, [key] if key else []).head
            except NoteError as error:
                yield SealDifference("another key", f"{what} is not to be relied on: {error}")
                continue
            if (head.size, head.root) != (each.size, bytes(each.root)) or head.size < size:
                yield SealDifference(
                    "checkpoint changed",
                    f"{what} was signed over {head.size} rows, and the table has {each.size} rows"
                    " or another root for it.",
                )
            size = head.size
            self.expected[head.size].append(Witnessed(head.root, what.lower()))
            self.checkpoints += 1

    def check_witnesses(self) -> Iterator[SealDifference]:
        """Yield what is wrong with a witness's checkpoints by themselves."""
        keys = [public_key(each) for each in self.entries]
        names = {key.name for key in keys}
        lost = self.sizes_at_restart()
        for note in self.notes:
            head = TreeHead.parsed(parted(note)[0])
            who = f"the witness's checkpoint over {head.size} rows{when(head)}"
            if head.origin not in names:
                yield SealDifference(
                    "another record", f"{capitalised(who)} is of another record: {head.origin}."
                )
                continue
            try:
                opened(note, keys)
            except NoteError as error:
                yield SealDifference("another key", f"{capitalised(who)}: {error}")
                continue
            if head.origin in lost and head.size > lost[head.origin][0]:
                kept, reason = lost[head.origin]
                yield SealDifference(
                    "restarted",
                    f"{capitalised(who)} knew {head.size - kept} rows more than the record had when"
                    f" it went on under a new name ({reason}).",
                )
                continue
            self.expected[head.size].append(Witnessed(head.root, who))
            self.witnessed += 1

    def sizes_at_restart(self) -> dict[str, tuple[int, str]]:
        """Return how many rows a record had when it went on under another name, and why it did."""
        found = {}
        for before, after in pairwise(self.entries):
            if after.entered_as == KeyEntry.RESTARTED:
                last = Checkpoint.objects.filter(number=after.from_checkpoint - 1).first()
                found[before.name] = (last.size if last else 0, after.reason)
        return found

    # --- rows and tree ----------------------------------------------------------------------------

    def check_tree(self) -> Iterator[SealDifference]:
        """Yield which rows differ from their leaves, and where the tree does from its parts."""
        edge: list[bytes] = []
        yield from self.check_root(0, EMPTY_ROOT)
        while True:
            with connection.cursor() as cursor:
                cursor.execute(LEAVES, [self.leaves, self.leaves + CHUNK])
                rows = cursor.fetchall()
            hashes = []
            for position, kind, sequence, leaf, found in rows:
                if position != self.leaves + len(hashes):
                    break
                hashes.append(bytes(leaf))
                if found is None or bytes(found) != bytes(leaf):
                    yield self.difference_of_row(position, kind, sequence, found is None)
            yield from self.check_nodes(edge, hashes)
            if len(hashes) < CHUNK:
                break
        if number_of_leaves() > self.leaves:
            yield SealDifference(
                "leaf missing", f"The sealed record lacks leaf {self.leaves}, and has later ones."
            )

    def check_nodes(self, edge: list[bytes], hashes: list[bytes]) -> Iterator[SealDifference]:
        """Grow the tree by a chunk of leaves, and compare its nodes and the roots within."""
        start = self.leaves
        made: list[tuple[Node, bytes]] = []
        known = dict(zip(peaks(start), edge, strict=True))
        for node, content in grown(start, edge, hashes):
            if not node.level:
                yield from self.check_root_before(node.index, known)
            else:
                made.append((node, content))
            known[node] = content
        self.leaves = start + len(hashes)
        yield from self.check_root_before(self.leaves, known)
        stored = hashes_found([node for node, _ in made])
        for node, content in made:
            if stored.get(node) != content:
                first, last = node.index << node.level, ((node.index + 1) << node.level) - 1
                yield SealDifference(
                    "tree changed",
                    f"The leaves {first} to {last} are not those that the sealed record's tree"
                    f" stands on, or do not stand in their order: node {node.index} of level"
                    f" {node.level} differs.",
                )
                break  # the nodes above it differ with it
        edge[:] = [known[node] for node in peaks(self.leaves)]

    def check_root_before(self, size: int, known: dict[Node, bytes]) -> Iterator[SealDifference]:
        if size in self.expected and size:
            yield from self.check_root(size, joined([known[node] for node in peaks(size)]))

    def check_root(self, size: int, root: bytes) -> Iterator[SealDifference]:
        """Yield who saw another root at a size; each size is met once."""
        for each in self.expected.pop(size, ()):
            if each.root != root:
                yield SealDifference(
                    "tree changed",
                    f"The first {size} rows are not those, in their order, over which"
                    f" {each.who} was signed.",
                )

    def difference_of_row(
        self, position: int, kind: str, sequence: int, is_missing: bool
    ) -> SealDifference:
        over = Checkpoint.objects.filter(size__gt=position).order_by("size", "number").first()
        sealed = f"sealed in checkpoint {over.number}" if over else "sealed"
        if is_missing:
            return SealDifference(
                "row missing", f"{record_name(kind, sequence)}, {sealed}, is missing."
            )
        return SealDifference(
            "row changed", f"{record_name(kind, sequence)} is not as it was when it was {sealed}."
        )

    # --- what is not there ------------------------------------------------------------------------

    def check_ends(self) -> Iterator[SealDifference]:
        """Yield who signed or saw more rows than there are, and rows that nobody signed."""
        if self.leaves > self.signed_size:
            yield SealDifference(
                "tree changed",
                f"{self.leaves} rows are sealed here, and the last checkpoint was signed over"
                f" {self.signed_size}.",
            )
        for size in sorted(self.expected):
            for each in self.expected[size]:
                yield SealDifference(
                    "tail cut",
                    f"{capitalised(each.who)} was signed over {size} rows, and {self.leaves} are"
                    f" sealed here: the last {size - self.leaves} are missing.",
                )

    def check_forgotten(self) -> Iterator[SealDifference]:
        """Yield a row that came below the number up to which all were said to be sealed."""
        last = Checkpoint.objects.order_by("-number").first()
        for source in SOURCES if last else ():
            params = {"kind": source.kind, "complete": last.complete.get(source.kind, 0)}
            with connection.cursor() as cursor:
                cursor.execute(FORGOTTEN.format(table=source.table), params)
                for (sequence,) in cursor.fetchall():
                    yield SealDifference(
                        "row added",
                        f"{record_name(source.kind, sequence)} is not sealed, and all up to"
                        f" {params['complete']} were when checkpoint {last.number} was signed: it"
                        " was added later.",
                    )


def timelines() -> tuple[int | None, int | None]:
    """Return the server's timeline when the last checkpoint was signed, and now."""
    last = Checkpoint.objects.order_by("-number").first()
    signed = TreeHead.parsed(parted(last.note)[0]).extension("timeline") if last else None
    with connection.cursor() as cursor:
        cursor.execute(TIMELINE)
        return int(signed) if signed else None, cursor.fetchone()[0]


def public_key(entry: EvidenceKey) -> PublicKey:
    return PublicKey(entry.name, bytes(entry.public_key))


def record_name(kind: str, sequence: int) -> str:
    return f"{kind.capitalize()} {sequence}"


def when(head: TreeHead) -> str:
    made = head.extension("time")
    return f" at {made}" if made else ""


def capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]
