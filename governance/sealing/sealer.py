"""Sealing: rows of the record become leaves of the tree, and a checkpoint is signed over it.

A step is one transaction of the process that holds the rows of `sealing_progress`. Rows are taken
in the order of their numbers, but a transaction may commit after another that drew a later number,
so that a number is there does not say that all before it are. This follows from two marks: the last
number that was given out, and the id of a transaction, the step's own, which it was given after
that number was read. Once all transactions before that one have ended, nothing up to the number can
come any more. (The end of a snapshot is no such id: a transaction under way may be beyond it.) One
that had drawn a number and had no id yet is not among them, but it was just writing its row: for it
a mark waits for `margin` besides.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F

from governance.models import Checkpoint, SealingProgress
from governance.rules_in_force import rules_fingerprint
from governance.sealing.keys import CannotSealError, SigningKey, signing_key
from governance.sealing.notes import TreeHead, sign_note
from governance.sealing.sources import SOURCES, Source
from governance.sealing.stored_tree import (
    MissingNodeError,
    last_checkpoint,
    number_of_leaves,
    read_nodes,
    write_leaves,
    write_nodes,
)
from governance.sealing.tree import EMPTY_ROOT, grown, joined, peaks
from governance.sealing.witness_file import expect_what_was_witnessed
from kit.core.sql import ContractNow

BATCH = 5_000  # rows of a step: some tenths of a second
MARGIN = timedelta(minutes=2)

TRANSACTIONS = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
        pg_current_xact_id()::text::bigint, clock_timestamp()
"""
UNSEALED = """
    FROM {table} AS record
    WHERE record.sequence > %(floor)s AND NOT EXISTS (
        SELECT FROM sealed_records AS sealed
        WHERE sealed.kind = %(kind)s AND sealed.sequence = record.sequence
            AND sealed.sequence > %(floor)s)
"""
COUNT = f"SELECT count(*) FROM (SELECT {UNSEALED} LIMIT %(limit)s) AS found"  # noqa: S608  our own names
LEAVES = f"""
    SELECT record.sequence, sha256('\\x00'::bytea || convert_to({{leaf}}(record), 'UTF8'))
    {UNSEALED} ORDER BY record.sequence LIMIT %(limit)s
"""
# Of the server: after a failover it is another one.
TIMELINE = """
    SELECT CASE WHEN has_function_privilege('pg_walfile_name(pg_lsn)', 'EXECUTE')
        THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END
"""

type Progress = dict[str, SealingProgress]


class Leaf(NamedTuple):
    """A row that is to be sealed."""

    kind: str
    sequence: int
    hash: bytes


class SealingStep(NamedTuple):
    """What one step did."""

    sealed: int = 0
    checkpoint: Checkpoint | None = None
    is_full: bool = False  # there may be more to seal at once


def seal(*, batch: int = BATCH, margin: timedelta = MARGIN) -> SealingStep:
    """Seal up to `batch` rows and sign a checkpoint over them, unless another process does.

    Raises `CannotSealError` where the key or the record is not as it was left.
    """
    if not unsealed(limit=1) and not has_marks(older_than=margin):
        return SealingStep()
    with transaction.atomic(durable=True):
        given_out = numbers_given_out()  # before the lock gives this transaction its id
        progress = lock_progress()
        if not progress:
            return SealingStep()
        leaves: list[Leaf] = []
        for source in SOURCES:
            settle(progress[source.kind], given_out[source.kind], margin)
            leaves += take(source, progress[source.kind], batch - len(leaves))
        checkpoint = None
        if leaves:
            expect_what_was_witnessed()  # before a first key is entered
            checkpoint = extend(signing_key(), leaves, progress)
        for each in progress.values():
            each.save(update_fields=["floor", "settled", "mark", "mark_xid", "marked_at"])
    return SealingStep(len(leaves), checkpoint, len(leaves) >= batch)


def unsealed(limit: int) -> int:
    """Return how many rows are not sealed, up to a limit."""
    floors = dict(SealingProgress.objects.values_list("kind", "floor"))
    found = 0
    with connection.cursor() as cursor:
        for source in SOURCES:
            params = {"kind": source.kind, "floor": floors.get(source.kind, 0)}
            cursor.execute(COUNT.format(table=source.table), params | {"limit": limit - found})
            found += cursor.fetchone()[0]
    return found


def has_marks(older_than: timedelta) -> bool:
    """Return whether rows that are sealed may be found to be all up to a number."""
    rows = SealingProgress.objects.filter(marked_at__lt=ContractNow() - older_than)
    return rows.filter(floor__lt=F("mark")).exists()


def lock_progress(wait: bool = False) -> Progress | None:
    """Lock how far we are, and so the tree; return None if another process has, or wait for it."""
    rows = SealingProgress.objects.filter(kind__in=[source.kind for source in SOURCES])
    if rows.count() < len(SOURCES):
        SealingProgress.objects.bulk_create(
            [SealingProgress(kind=source.kind) for source in SOURCES], ignore_conflicts=True
        )
    found = {
        each.kind: each for each in rows.order_by("kind").select_for_update(skip_locked=not wait)
    }
    return found if len(found) == len(SOURCES) else None


def take(source: Source, progress: SealingProgress, limit: int) -> list[Leaf]:
    """Return rows of a source that are not sealed, and note how far all will be."""
    params = {"kind": source.kind, "floor": progress.floor, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(LEAVES.format(table=source.table, leaf=source.leaf), params)
        found = [Leaf(source.kind, number, bytes(content)) for number, content in cursor.fetchall()]
    # Where there may be more, all that can be seen is sealed only up to the last that was taken.
    seen = progress.settled if len(found) < limit else (found[-1].sequence if found else 0)
    progress.floor = max(progress.floor, min(seen, progress.settled))
    return found


def numbers_given_out() -> dict[str, int]:
    """Return the last number that each source's rows were given, if not all are written yet."""
    with connection.cursor() as cursor:
        found = {}
        for source in SOURCES:
            cursor.execute(
                "SELECT coalesce(pg_sequence_last_value(%s::regclass), 0)", [source.numbers]
            )
            found[source.kind] = cursor.fetchone()[0]
        return found


def settle(progress: SealingProgress, given_out: int, margin: timedelta) -> None:
    """Note up to which number no row can come any more."""
    with connection.cursor() as cursor:
        cursor.execute(TRANSACTIONS)
        oldest_running, own, now = cursor.fetchone()
    # A database that was restored elsewhere has other transactions.
    is_usable = progress.marked_at and progress.mark_xid < own
    if is_usable:
        if oldest_running < progress.mark_xid or now - progress.marked_at < margin:
            return
        progress.settled = progress.mark
    progress.mark = max(given_out, progress.settled)
    progress.mark_xid, progress.marked_at = own, now


def extend(key: SigningKey, leaves: list[Leaf], progress: Progress) -> Checkpoint:
    """Add leaves to the tree, and sign it."""
    last = last_checkpoint()
    size = last.size if last else 0
    edge = expected_edge(last)
    nodes = [*grown(size, edge, [leaf.hash for leaf in leaves])]
    write_leaves(size, leaves)
    write_nodes(nodes)
    known = dict(zip(peaks(size), edge, strict=True)) | dict(nodes)
    size += len(leaves)
    root = joined([known[node] for node in peaks(size)])
    return sign(key, last, size, root, {kind: each.floor for kind, each in progress.items()})


def expected_edge(last: Checkpoint | None) -> list[bytes]:
    """Return the hashes of the tree's peaks, or raise if it is not the one that was signed last."""
    size, root = (last.size, bytes(last.root)) if last else (0, EMPTY_ROOT)
    remedy = "nothing is added to it. manage.py replay_evidence says what differs."
    found = number_of_leaves()
    if found != size:
        raise CannotSealError(
            f"The sealed record has {found} rows, and the last checkpoint was signed over {size}:"
            f" {remedy}"
        )
    try:
        edge = read_nodes(peaks(size))
    except MissingNodeError as error:
        raise CannotSealError(f"{error} {remedy.capitalize()}") from error
    if (joined(edge) if edge else EMPTY_ROOT) != root:
        raise CannotSealError(
            f"The tree of the sealed record is not the one that was signed over {size} rows:"
            f" {remedy}"
        )
    return edge


def sign(
    key: SigningKey,
    last: Checkpoint | None,
    size: int,
    root: bytes,
    complete: dict[str, int],
    *more: str,
) -> Checkpoint:
    """Sign the tree's size and root, with lines of ours; return the checkpoint."""
    head = TreeHead(key.entry.name, size, root, (*extensions(complete), *more))
    return Checkpoint.objects.create(
        number=last.number + 1 if last else 1,
        size=size,
        root=root,
        note=sign_note(head, key.private),
        complete=complete,
    )


def extensions(complete: dict[str, int]) -> list[str]:
    """Return what a checkpoint says beside size and root."""
    lines = [f"time {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"]
    lines += [f"complete {kind} {floor}" for kind, floor in sorted(complete.items())]
    with connection.cursor() as cursor:
        cursor.execute(TIMELINE)
        [timeline] = cursor.fetchone()
    if timeline is not None:
        lines.append(f"timeline {timeline}")
    lines.append(f"rules {rules_fingerprint()}")
    return lines
