"""The office's own upkeep in a large office: the sweep, the replay, the removal of old beats."""

import io
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from bench.alone import alone
from bench.figures import Measurement, compare_pairs, interleaved
from bench.office import database_copy, in_database, made
from bench.sizes import Sizes
from builders.retention import prune_heartbeats
from governance.replay import Replay, one_moment
from governance.watch import declare_stalls

SWEEPS = 20  # in each half of a pair
LARGE_TABLE = 10_000  # rows


def run(sizes: Sizes) -> Iterator[Measurement]:
    large, small = made(sizes.large), made(sizes.small)
    yield compare_pairs(
        "one sweep, large office and small",
        "ms",
        interleaved(sizes.rounds, lambda: time_of_sweep(large), lambda: time_of_sweep(small)),
        under=50,
    )
    with in_database(large):
        yield from beside_copy(
            f"replay of {sizes.large.evidence:,} pieces of evidence", replay, "evidence_trail"
        )
    with database_copy("bench_retention", template=large):
        yield from beside_copy(
            f"retention of {sizes.large.heartbeats:,} beats", prune, "heartbeats"
        )


def time_of_sweep(name: str) -> float:
    """Sweep several times, with all builders silent, and return how long one took, in ms."""
    with in_database(name):
        return sum(swept() for _ in range(SWEEPS)) / SWEEPS


def swept() -> float:
    with transaction.atomic(), connection.cursor() as cursor:
        began = time.perf_counter()
        declare_stalls()
        took = time.perf_counter() - began
        if whole := scans(cursor):
            raise AssertionError(f"A sweep read whole tables: {whole}")
        transaction.set_rollback(True)
    return took * 1000


def scans(cursor: Any) -> list[tuple[str, int]]:
    """Return how often this transaction has read the whole of a table that is large."""
    cursor.execute(
        "SELECT pg_class.relname, seq_scan FROM pg_stat_xact_user_tables"
        " JOIN pg_class ON oid = relid WHERE reltuples >= %s AND seq_scan > 0 ORDER BY 1",
        [LARGE_TABLE],
    )
    return cursor.fetchall()


def replay() -> None:
    with one_moment():
        difference = Replay().first_difference()
    if difference:
        raise AssertionError(str(difference))


def prune() -> None:
    for _ in prune_heartbeats(timedelta(0)):
        pass


def beside_copy(what: str, work: Callable[[], None], table: str) -> Iterator[Measurement]:
    """Measure an act once, in a process of its own, beside COPY of the rows that it is about."""
    floor = copied(table)
    took, grown = alone(work)
    yield compare_pairs(what, "ms", [(took, floor)])
    yield compare_pairs(f"memory of the {what}, then and before", "MB", [grown])


def copied(table: str) -> float:
    """COPY a table's rows out and into a table without keys, indexes or triggers, in ms."""
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(
            f"CREATE TEMPORARY TABLE copied ON COMMIT DROP AS TABLE {table} WITH NO DATA"
        )
        rows = io.BytesIO()
        with cursor.copy(f"COPY {table} TO STDOUT") as copy:
            for block in copy:
                rows.write(block)
        began = time.perf_counter()
        with cursor.copy("COPY copied FROM STDIN") as copy:
            copy.write(rows.getvalue())
        return (time.perf_counter() - began) * 1000
