"""The progress of waves and programs follows their tasks."""

import uuid

import pytest

from programs.models import Program, Task, Wave
from tests.factories import ProgramFactory, TaskFactory
from tests.programs.progress import WRONG


def test_a_wave_shows_the_mean_of_its_tasks_and_a_program_that_of_its_waves(waves, progress):
    one, other = waves
    tasks = TaskFactory.create_batch(2, wave=one)

    Task.objects.filter(pk=tasks[0].pk).update(progress_percentage=50)

    assert progress(one, other, one.program) == [25, 0, 13]  # 12.5, rounded as numeric rounds


@pytest.mark.parametrize(
    ("tasks", "mean"),
    [
        ([], 0),
        ([100], 100),
        ([0, 1], 1),  # a half goes up, as numeric rounds
        ([1, 2], 2),
        ([0, 0, 1], 0),
        ([0, 1, 1], 1),
        ([99, 100], 100),
        ([100, 100, 99], 100),
    ],
)
def test_a_mean_is_rounded_as_the_contract_rounds(tasks, mean, wave, progress, sql):
    for percentage in tasks:
        TaskFactory(wave=wave, progress_percentage=percentage)

    assert progress(wave) == [mean]
    if tasks:
        assert sql("SELECT avg(progress_percentage)::integer FROM tasks") == [(mean,)]


def test_a_new_task_counts_from_the_start(wave, progress):
    TaskFactory(wave=wave, progress_percentage=80)
    TaskFactory(wave=wave)

    assert progress(wave, wave.program) == [40, 40]


def test_a_deleted_task_counts_no_more(wave, progress):
    done, open_ = TaskFactory(wave=wave, progress_percentage=100), TaskFactory(wave=wave)

    Task.objects.filter(pk=open_.pk).delete()
    assert progress(wave, wave.program) == [100, 100]

    Task.objects.filter(pk=done.pk).delete()
    assert progress(wave, wave.program) == [0, 0]


def test_a_moved_task_counts_where_it_is(waves, progress):
    one, other = waves
    task = TaskFactory(wave=one, progress_percentage=60)
    TaskFactory(wave=other)

    Task.objects.filter(pk=task.pk).update(wave=other)

    assert progress(one, other, one.program) == [0, 30, 15]


def test_a_moved_wave_counts_where_it_is(waves, progress):
    one, _ = waves
    elsewhere = ProgramFactory()
    TaskFactory(wave=one, progress_percentage=60)
    assert progress(one.program, elsewhere) == [30, 0]

    Wave.objects.filter(pk=one.pk).update(program=elsewhere)

    assert progress(one.program, elsewhere) == [0, 60]


def test_a_deleted_wave_counts_no_more(waves, progress):
    one, other = waves
    TaskFactory(wave=one, progress_percentage=60)
    TaskFactory(wave=other, progress_percentage=20)

    Wave.objects.filter(pk=other.pk).delete()

    assert progress(one.program) == [60]


def test_a_bulk_update_counts_everywhere(waves, progress, sql):
    one, other = waves
    TaskFactory.create_batch(3, wave=one)
    TaskFactory.create_batch(2, wave=other)

    sql("UPDATE tasks SET progress_percentage = 70")

    assert progress(one, other, one.program) == [70, 70, 70]
    assert sql(WRONG) == []


def test_a_bulk_change_writes_each_parent_once(waves, sql):
    one, other = waves
    TaskFactory.create_batch(20, wave=one)
    TaskFactory.create_batch(20, wave=other)
    written = "SELECT pg_stat_get_xact_tuples_updated(%s::regclass)"
    [(waves_before,)], [(programs_before,)] = sql(written, "waves"), sql(written, "programs")

    sql("UPDATE tasks SET progress_percentage = 70")

    assert sql(written, "waves") == [(waves_before + 2,)]
    assert sql(written, "programs") == [(programs_before + 1,)]


COLUMNS = (
    "(task_id, wave_id, name, architecture_reference, qa_suite_location, acceptance_criteria,"
    " state, progress_percentage)"
)


def test_copied_tasks_count(owner_session, waves, progress):
    one, other = waves
    with owner_session.cursor() as cursor, cursor.copy(f"COPY tasks {COLUMNS} FROM STDIN") as copy:
        for wave, percentage in ((one, 10), (other, 30), (one, 50)):
            copy.write_row((uuid.uuid4(), wave.pk, "T", "", "", "", "planned", percentage))

    assert progress(one, other, one.program) == [30, 30, 30]


def test_an_upsert_that_inserts_and_updates_counts_both(waves, progress, sql):
    one, other = waves
    known = TaskFactory(wave=one, progress_percentage=10)

    sql(
        f"""
        INSERT INTO tasks {COLUMNS} VALUES
            (%s, %s, 'T', '', '', '', 'planned', 90), (%s, %s, 'T', '', '', '', 'planned', 40)
        ON CONFLICT (task_id) DO UPDATE
            SET progress_percentage = excluded.progress_percentage, wave_id = excluded.wave_id
        """,
        *(known.pk, other.pk, uuid.uuid4(), other.pk),
    )

    assert progress(one, other, one.program) == [0, 65, 33]


def test_a_merge_that_inserts_updates_and_deletes_counts_all(waves, progress, sql):
    one, other = waves
    changed = TaskFactory(wave=one, progress_percentage=10)
    removed = TaskFactory(wave=one, progress_percentage=50)

    sql(
        """
        MERGE INTO tasks USING (VALUES
            (%s::uuid, 80, 'change'), (%s::uuid, 0, 'remove'), (%s::uuid, 44, 'add')
        ) AS source (id, progress, what) ON tasks.task_id = source.id
        WHEN MATCHED AND source.what = 'remove' THEN DELETE
        WHEN MATCHED THEN UPDATE SET progress_percentage = source.progress
        WHEN NOT MATCHED THEN INSERT (task_id, wave_id, name, architecture_reference,
                qa_suite_location, acceptance_criteria, state, progress_percentage)
            VALUES (source.id, %s, 'T', '', '', '', 'planned', source.progress)
        """,
        *(changed.pk, removed.pk, uuid.uuid4(), other.pk),
    )

    assert progress(one, other, one.program) == [80, 44, 62]


def versions(sql):
    """What physically changes with every write, even one that leaves all values alone."""
    return sql(
        "SELECT ctid::text, xmin::text FROM waves UNION ALL SELECT ctid::text, xmin::text"
        " FROM programs ORDER BY 1, 2"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tasks SET name = 'another'",
        "UPDATE tasks SET state = 'blocked'",
        "UPDATE tasks SET progress_percentage = progress_percentage",
        "UPDATE tasks SET progress_percentage = 50 WHERE false",
        # The mean stays where it was.
        "UPDATE tasks SET progress_percentage = 100 - progress_percentage",
        "DELETE FROM tasks WHERE progress_percentage = 50",
    ],
)
def test_nothing_is_written_where_nothing_changed(statement, wave, sql):
    for percentage in (20, 50, 80):
        TaskFactory(wave=wave, progress_percentage=percentage)
    before = versions(sql)

    sql(statement)

    assert versions(sql) == before


def test_a_program_is_left_alone_when_its_mean_stays(waves, sql):
    one, other = waves
    TaskFactory(wave=one, progress_percentage=40)
    TaskFactory(wave=other, progress_percentage=60)
    [before] = sql("SELECT ctid::text FROM programs")

    sql("UPDATE tasks SET progress_percentage = 100 - progress_percentage")

    assert sql("SELECT ctid::text FROM programs") == [before]
    assert sql(WRONG) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", [Program, Wave])
def test_a_parent_says_when_its_progress_moved_and_not_when_it_did_not(model, sql):
    task = TaskFactory()
    parent = model.objects.get()

    Task.objects.filter(pk=task.pk).update(name="another")
    assert model.objects.get().updated_at == parent.updated_at

    Task.objects.filter(pk=task.pk).update(progress_percentage=1)
    assert model.objects.get().updated_at > parent.updated_at
