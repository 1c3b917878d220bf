"""Progress while several connections change tasks at once, and after any mix of changes."""

import random
import uuid
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from kit.core.acts import act
from tests.examples import examples
from tests.factories import ProgramFactory, TaskFactory, WaveFactory
from tests.programs.progress import WRONG
from tests.programs.test_progress import COLUMNS
from tests.races import PATIENCE, overlap, refusal

# --- progress under concurrency -----------------------------------------------------------------


def at_once(connect, rounds, before, workers, after):
    """Run one statement per worker, each on its own connection, all at the same moment.

    `workers` are functions that say a round's statement; `before` and `after` surround each round.
    """
    start, end = (Barrier(len(workers) + 1, timeout=PATIENCE) for _ in range(2))
    errors = []

    def work(own, statement):
        for number in range(rounds):
            start.wait()
            if error := refusal(own, [statement(number)]):
                errors.append(error)
            end.wait()

    threads = [Thread(target=work, args=(connect(), worker), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        for number in range(rounds):
            before(number)
            start.wait()
            end.wait()
            assert errors == []
            after(number)
    except BaseException:
        start.abort()
        end.abort()
        raise
    finally:
        for thread in threads:
            thread.join(30)


def test_five_connections_finish_five_tasks_at_once_fifty_times(connect, sql):
    wave = WaveFactory()
    WaveFactory(program=wave.program)
    tasks = TaskFactory.create_batch(5, wave=wave)

    def finish(task):
        query = (
            "UPDATE tasks SET progress_percentage = 100, state = 'completed', completed_at = now()"
            " WHERE task_id = %s"
        )
        return lambda number: (query, [task.pk])

    def forced():
        own = connect()
        own.execute("SET foreman.override = 'a race, fifty times'")
        return own

    def begin(number):
        with act(None, override="once more"):
            sql("UPDATE tasks SET progress_percentage = 0, state = 'in-progress'")
        assert sql("SELECT progress_percentage FROM waves WHERE wave_id = %s", wave.pk) == [(0,)]

    def check(number):
        assert sql("SELECT progress_percentage FROM waves WHERE wave_id = %s", wave.pk) == [(100,)]
        assert sql("SELECT progress_percentage FROM programs") == [(50,)]

    at_once(forced, 50, begin, [finish(task) for task in tasks], check)


def test_tasks_moved_both_ways_added_and_removed_at_once_end_right(connect, sql):
    """Single statements on rows of their own: none may be refused, least of all by a deadlock."""
    waves = [*WaveFactory.create_batch(2, program=ProgramFactory()), WaveFactory()]
    movers = TaskFactory.create_batch(4, wave=waves[0])
    for wave in waves:
        TaskFactory(wave=wave, progress_percentage=37)
    added = [uuid.uuid4() for _ in range(25)]

    def move(task, offset):
        query = "UPDATE tasks SET wave_id = %s, progress_percentage = %s WHERE task_id = %s"
        return lambda number: (
            query,
            [waves[(number + offset) % 3].pk, (number * 31 + offset * 17) % 101, task.pk],
        )

    def add(number):
        query = f"INSERT INTO tasks {COLUMNS} VALUES (%s, %s, 'T', '', '', '', 'planned', %s)"
        return query, [added[number], waves[number % 3].pk, number]

    def remove(number):
        return "DELETE FROM tasks WHERE task_id = %s", [added[number - 1] if number else None]

    def check(number):
        assert sql(WRONG) == []

    workers = [move(task, offset) for offset, task in enumerate(movers)] + [add, remove]
    at_once(connect, 25, lambda number: None, workers, check)


def test_bulk_updates_over_several_programs_at_once_end_right(connect, sql):
    """Each writer has tasks in most waves, and meets them in an order of its own."""
    waves = [
        wave for _ in range(2) for wave in WaveFactory.create_batch(2, program=ProgramFactory())
    ]
    for name in ("a", "b", "c", "d", "e"):
        for wave in random.Random(name).sample(waves, k=4):
            TaskFactory(wave=wave, name=name)

    def bulk(name):
        query = "UPDATE tasks SET progress_percentage = %s WHERE name = %s"
        return lambda number: (query, [(number * 13 + ord(name)) % 101, name])

    def check(number):
        assert sql(WRONG) == []

    at_once(connect, 20, lambda number: None, [bulk(name) for name in "abcde"], check)


def test_a_wave_emptied_while_a_task_arrives_is_right(connect, sql):
    one, other = WaveFactory.create_batch(2, program=ProgramFactory())
    leaving = TaskFactory(wave=one, progress_percentage=90)
    coming = TaskFactory(wave=other, progress_percentage=10)

    errors = overlap(
        connect,
        [("DELETE FROM tasks WHERE task_id = %s", [leaving.pk])],
        [("UPDATE tasks SET wave_id = %s WHERE task_id = %s", [one.pk, coming.pk])],
    )

    assert errors == (None, None)
    assert sql("SELECT progress_percentage FROM waves WHERE wave_id = %s", one.pk) == [(10,)]
    assert sql(WRONG) == []


# --- progress, any mix of changes ---------------------------------------------------------------

place = st.integers(0, 2)
some_task = st.integers(0, 30)
percentage = st.integers(0, 100)
operation = st.one_of(
    st.tuples(st.just("insert"), place, percentage),
    st.tuples(st.just("arrays"), place, st.lists(percentage, max_size=4)),
    st.tuples(st.just("update"), some_task, percentage),
    st.tuples(st.just("move"), some_task, place),
    st.tuples(st.just("delete"), some_task),
    st.tuples(st.just("empty"), place),
    st.tuples(st.just("bulk"), percentage, percentage),
    st.tuples(st.just("upsert"), some_task, place, percentage),
    st.tuples(st.just("swap"), place, place),
    st.tuples(st.just("leave"), place),
    st.tuples(st.just("remove wave"), place),
)


def apply(cursor, step, programs, waves):
    """Do one step of a random history; `waves` are the keys of the three waves."""
    kind, *rest = step
    chosen = "(SELECT task_id FROM tasks ORDER BY task_id OFFSET %s LIMIT 1)"
    if kind == "insert":
        wave, progress = rest
        cursor.execute(
            f"INSERT INTO tasks {COLUMNS}"
            " VALUES (gen_random_uuid(), %s, 'T', '', '', '', 'planned', %s)",
            [waves[wave], progress],
        )
    elif kind == "arrays":
        wave, percentages = rest
        cursor.execute(
            f"INSERT INTO tasks {COLUMNS}"
            " SELECT gen_random_uuid(), %s, 'T', '', '', '', 'planned', progress"
            " FROM unnest(%s::int[]) AS progress",
            [waves[wave], percentages],
        )
    elif kind == "update":
        task, progress = rest
        cursor.execute(
            f"UPDATE tasks SET progress_percentage = %s WHERE task_id = {chosen}", [progress, task]
        )
    elif kind == "move":
        task, wave = rest
        cursor.execute(
            f"UPDATE tasks SET wave_id = %s WHERE task_id = {chosen}", [waves[wave], task]
        )
    elif kind == "delete":
        cursor.execute(f"DELETE FROM tasks WHERE task_id = {chosen}", rest)
    elif kind == "empty":
        cursor.execute("DELETE FROM tasks WHERE wave_id = %s", [waves[rest[0]]])
    elif kind == "bulk":
        cursor.execute(
            "UPDATE tasks SET progress_percentage = %s WHERE progress_percentage >= %s", rest
        )
    elif kind == "upsert":
        task, wave, progress = rest
        cursor.execute(
            f"INSERT INTO tasks {COLUMNS} SELECT coalesce({chosen}, gen_random_uuid()),"
            " %s::uuid, 'T', '', '', '', 'planned', %s"
            " ON CONFLICT (task_id) DO UPDATE"
            " SET wave_id = excluded.wave_id, progress_percentage = excluded.progress_percentage",
            [task, waves[wave], progress],
        )
    elif kind == "swap":
        cursor.execute(
            "UPDATE tasks SET wave_id = CASE wave_id WHEN %s THEN %s ELSE %s END"
            " WHERE wave_id IN (%s, %s)",
            [waves[n] for n in (rest[0], rest[1], rest[0], rest[0], rest[1])],
        )
    elif kind == "leave":
        cursor.execute(
            "UPDATE waves SET program_id = (SELECT program_id FROM programs"
            " WHERE program_id <> waves.program_id LIMIT 1) WHERE wave_id = %s",
            [waves[rest[0]]],
        )
    else:
        cursor.execute("DELETE FROM waves WHERE wave_id = %s", [waves[rest[0]]])
        cursor.execute(
            "INSERT INTO waves (wave_id, program_id, name, sequence_number, state)"
            " VALUES (%s, %s, 'W', (SELECT coalesce(max(sequence_number), 0) + 1 FROM waves),"
            " 'planned')",
            [waves[rest[0]], programs[rest[0] % 2]],
        )


@given(steps=st.lists(operation, max_size=15))
@examples(10)
def test_any_mix_of_changes_agrees_with_a_recomputation(db, steps):
    with transaction.atomic():
        programs = ProgramFactory.create_batch(2)
        waves = [WaveFactory(program=programs[n % 2]).pk for n in range(3)]
        with connection.cursor() as cursor:
            for step in steps:
                apply(cursor, step, [program.pk for program in programs], waves)
                cursor.execute(WRONG)
                assert cursor.fetchall() == [], step
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_repeatable_read_is_refused_where_it_would_compute_from_the_past(connect, waves):
    wave, _ = waves
    task = TaskFactory(wave=wave)
    change = ("UPDATE tasks SET progress_percentage = 50 WHERE task_id = %s", [task.pk])

    error = refusal(connect(), ["BEGIN ISOLATION LEVEL REPEATABLE READ", change])
    assert error.diag.constraint_name == "programs_fresh_snapshots"
    assert refusal(connect(), ["BEGIN ISOLATION LEVEL SERIALIZABLE", change, "COMMIT"]) is None
