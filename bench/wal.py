"""What heartbeats and evidence write to the write-ahead log, in a large office.

The floor of a heartbeat has a random id, as its sender may choose it. Each half of a pair begins
after a checkpoint, as every page that is touched is then written whole for the first time, and
after some rows that are not counted.
"""

from collections.abc import Callable, Iterator
from itertools import count
from uuid import UUID, uuid4

from django.db import connection

from bench.figures import Measurement, compare_pairs, interleaved
from bench.heartbeats import senders
from bench.office import database_copy, made
from bench.sealing import position, rename_program
from bench.sizes import Sizes
from builders.actions import record_heartbeat

ROWS, NOT_COUNTED = 500, 50


def run(sizes: Sizes) -> Iterator[Measurement]:
    rows = ROWS if sizes.rounds > 1 else 5
    with database_copy("bench_wal", template=made(sizes.large)):
        sent = count()
        speakers = senders()

        def beat(chosen: Callable[[], UUID | None]) -> None:
            speaker = speakers[next(sent) % len(speakers)]
            record_heartbeat(
                speaker["token"],
                builder_id=speaker["builder_id"],
                task_id=UUID(speaker["task_id"]) if speaker["task_id"] != "None" else None,
                status="active",
                message="step",
                progress_percentage=None,
                heartbeat_id=chosen(),
                timestamp=None,
            )

        yield compare_pairs(
            "WAL of a heartbeat, with an id of the office and a random one",
            "bytes",
            interleaved(
                sizes.rounds,
                lambda: wal_of(lambda: beat(lambda: None), rows),
                lambda: wal_of(lambda: beat(uuid4), rows),
            ),
            under=1_500,
        )
        of_evidence = [wal_of(rename_program, rows) for _ in range(sizes.rounds)]
        yield compare_pairs(
            "WAL of an act with one piece of evidence",
            "bytes",
            [(each, each) for each in of_evidence],
        )


def wal_of(act: Callable[[], None], rows: int) -> float:
    """Return the bytes of WAL that an act writes, after a checkpoint and some of them."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
    for _ in range(NOT_COUNTED):
        act()
    before = position()
    for _ in range(rows):
        act()
    return (position() - before) / rows
