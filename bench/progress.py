"""The progress of every task of a large wave at once, beside the same with no trigger at all."""

import time
from collections.abc import Iterator

from django.db import connection, transaction

from bench.figures import Measurement, compare_pairs, interleaved
from bench.generator.size import Size
from bench.office import database_copy, fill
from bench.sizes import Sizes


def run(sizes: Sizes) -> Iterator[Measurement]:
    with database_copy("bench_progress"):
        fill(Size(programs=1, waves=1, tasks=sizes.tasks, heartbeats=0, evidence=0))
        update(triggers=False)
        yield compare_pairs(
            f"progress of {sizes.tasks:,} tasks",
            "ms",
            interleaved(
                sizes.rounds, lambda: update(triggers=True), lambda: update(triggers=False)
            ),
            at_most=3,
        )


def update(*, triggers: bool) -> float:
    """Change the progress of all tasks, roll back, and return how long the change took."""
    with connection.cursor() as cursor:
        with transaction.atomic():
            if not triggers:
                cursor.execute("SET LOCAL session_replication_role = replica")
            began = time.perf_counter()
            cursor.execute("UPDATE tasks SET progress_percentage = 50")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would ask
            took = time.perf_counter() - began
            transaction.set_rollback(True)
        cursor.execute("VACUUM tasks, waves, programs, evidence_trail")
    return took * 1000
