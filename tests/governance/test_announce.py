"""What the database announces, whoever writes."""

import pytest
from django.db import transaction

from builders.actions import assign_task
from builders.models import Builder
from kit.core.acts import act
from kit.core.row_security import ITSELF
from programs.models import Task
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    BuilderPauseFactory,
    CompletionClaimFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    QAExecutionFactory,
    QuestionFactory,
    TaskFactory,
    TaskLinkFactory,
    TaskNoteFactory,
)
from tests.races import PATIENCE


@pytest.fixture
def announced(connect):
    """Return what was announced since the last call, as a list of sets of topics.

    That it is the office's own is not among them.
    """
    listener = connect()
    listener.execute("LISTEN foreman")

    def announced():
        connect().execute("NOTIFY foreman, 'end'")
        topics = []
        for notification in listener.notifies(timeout=PATIENCE):
            if notification.payload == "end":
                return topics
            topics.append({*notification.payload.split()} - {ITSELF})
        raise AssertionError("the end was never heard")

    return announced


@pytest.fixture
def task(transactional_db, announced):
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    announced()
    return task


def whole(task):
    return {f"task:{task.pk}", f"wave:{task.wave_id}", f"program:{task.wave.program_id}"}


def test_a_task_brings_its_builder_its_wave_and_its_program_along(announced, task):
    Task.objects.filter(pk=task.pk).update(progress_percentage=20)
    told = announced()
    assert whole(task) | {"task", "builder:ui-builder"} in told
    # What follows from it is told with it, once, and by its evidence.
    assert all(
        topics <= whole(task) | {"task", "evidence", "builder:ui-builder"} for topics in told
    )


def test_a_change_of_nothing_is_no_news(announced, task):
    Task.objects.filter(pk=task.pk).update(progress_percentage=task.progress_percentage)
    assert announced() == []


def test_what_was_rolled_back_was_never_told(announced, task):
    with transaction.atomic():
        Task.objects.filter(pk=task.pk).update(progress_percentage=20)
        transaction.set_rollback(True)
    assert announced() == []


@pytest.mark.parametrize(
    ("kind", "factory"),
    [
        ("blocker", lambda task: BlockerFactory(entity=task)),
        ("violation", lambda task: GovernanceViolationFactory(task=task)),
        ("validation", lambda task: ArchitectureValidationFactory(task=task)),
        ("run", lambda task: QAExecutionFactory(task=task)),
        ("question", lambda task: QuestionFactory(task=task)),
        ("link", lambda task: TaskLinkFactory(task=task)),
        ("note", lambda task: TaskNoteFactory(task=task)),
        ("claim", lambda task: CompletionClaimFactory(task=task)),
    ],
)
def test_what_is_said_of_a_task_names_the_task_and_the_kind(announced, task, kind, factory):
    row = factory(task)
    told = announced()
    assert any(topics >= whole(task) | {kind} for topics in told)
    assert any(topics >= whole(task) | {"evidence"} for topics in told)
    model = type(row)
    with act(None, reason="A correction."):
        model.objects.filter(pk=row.pk).delete()
    assert any(topics >= whole(task) | {kind} for topics in announced())


def test_a_pause_names_its_builder(announced, transactional_db):
    BuilderPauseFactory(builder=BuilderFactory(builder_id="qa-builder"))
    told = announced()
    assert {"pause", "builder:qa-builder"} in told
    assert {"evidence", "builder:qa-builder"} in told


def test_a_task_that_moved_names_both_its_waves(announced, task):
    other = TaskFactory(wave__program=task.wave.program).wave
    announced()
    Task.objects.filter(pk=task.pk).update(wave=other)
    assert any(topics >= {f"wave:{task.wave_id}", f"wave:{other.pk}"} for topics in announced())


def test_a_statement_that_changed_many_rows_says_one_word(announced, task):
    TaskFactory.create_batch(30, wave=task.wave)
    announced()
    Task.objects.filter(wave=task.wave).update(evidence_location="var/evidence")
    assert announced() == [{"*"}]


def test_the_longest_announcement_fits(announced, transactional_db):
    """Twenty rows with nothing in common: the refusal of a payload would refuse the write."""
    made = TaskFactory.create_batch(20, assigned_builder="integration-builder")
    announced()
    Task.objects.filter(pk__in=[task.pk for task in made]).delete()
    [topics] = (topics for topics in announced() if "task" in topics)
    assert set.union(*map(whole, made)) <= topics


# --- beats ----------------------------------------------------------------------------------------


@pytest.fixture
def at_work(transactional_db, announced, sql):
    task = TaskFactory(name="Masonry")
    builder = BuilderFactory(builder_id="ui-builder")
    assign_task(task, builder, by=None, override="the scene")
    HeartbeatFactory(builder=builder, task=task)
    announced()
    pulse_is_over(sql)
    return builder, task


def pulse_is_over(sql):
    """Wait until the next beat is not in the same twentieth of a second as the last."""
    over = (
        "SELECT date_bin('50 ms', clock_timestamp(), 'epoch')"
        " > date_bin('50 ms', max(updated_at), 'epoch') FROM builders"
    )
    while not sql(over)[0][0]:
        pass


def test_a_beat_names_its_builder_and_says_nothing_of_its_task(announced, at_work):
    builder, task = at_work
    HeartbeatFactory(builder=builder, task=task)
    assert announced() == [{"builder:ui-builder", f"beat:{task.pk}"}]


def test_a_beat_with_progress_names_what_it_moves(announced, at_work):
    builder, task = at_work
    HeartbeatFactory(builder=builder, task=task, progress_percentage=40)
    told = announced()
    assert {"builder:ui-builder", f"beat:{task.pk}"} in told
    assert any(topics >= whole(task) | {"task"} for topics in told)


def test_of_the_beats_of_one_builder_few_are_announced(announced, at_work, sql):
    builder, _ = at_work
    with transaction.atomic():
        for _ in range(50):
            sql("INSERT INTO heartbeats (builder_id, status) VALUES ('ui-builder', 'active')")
    assert len(announced()) == 1
    assert Builder.objects.get(pk=builder.pk).heartbeats.count() == 51


def test_a_beat_that_comes_late_is_announced_too(announced, at_work, sql):
    _, task = at_work
    sql(
        "INSERT INTO heartbeats (builder_id, task_id, status, timestamp)"
        " VALUES ('ui-builder', %s, 'active', now() - interval '1 hour')",
        task.pk,
    )
    # It is a sign of life of its builder, and a beat of the past that a page may list.
    pulse = {"builder:ui-builder", f"beat:{task.pk}"}
    assert announced() == [pulse, pulse | {"beat"}]
