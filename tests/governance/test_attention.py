"""What waits for a decision: each thing once, the most costly to leave first."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders.actions import assign_task
from builders.models import Builder
from foreman_office.kit.acts import act
from governance.actions import claim_completion, resolve_blocker
from governance.attention import count_matters
from governance.decisions import list_decisions
from programs.models import Task, Wave
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db


def kinds():
    listed = list_decisions()
    assert len(listed) == count_matters().total
    return [decision.kind for decision in listed]


def force(rows, **values):
    """Write what the rules would refuse, as a scene needs it."""
    with act(None, override="the scene"):
        rows.update(**values)


def make_silent(**task):
    holder = BuilderFactory(current_task=TaskFactory(**{"state": "in-progress"} | task))
    since = now() - timedelta(minutes=5)
    Builder.objects.filter(pk=holder.pk).update(last_heartbeat=since, assigned_at=since)
    return holder


def make_ready(**fields):
    """A task that could be given to a builder at once."""
    task = TaskFactory(**fields)
    ArchitectureValidationFactory(task=task)
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    return task


def take_up(task, name="ui-builder"):
    """Have a builder work on a task that could be given to it."""
    builder = BuilderFactory(builder_id=name, state="idle")
    assign_task(task, builder, by=None)
    HeartbeatFactory(builder=builder, task=task, progress_percentage=10)
    task.refresh_from_db()
    return builder


def test_an_office_that_is_well_needs_nobody():
    TaskFactory(state="in-progress")
    BlockerFactory(resolved_at=now(), resolution_action="Suite repaired")
    GovernanceViolationFactory(resolved_at=now(), resolution="Reverted")
    assert kinds() == []


def test_everything_that_waits_is_listed_once():
    make_silent()
    GovernanceViolationFactory(violation_type="test debt")
    BlockerFactory(classification="protected_path")
    ProgramFactory(state="blocked")
    WaveFactory(state="failed")
    TaskFactory(state="failed")
    assert sorted(kinds()) == [
        "Blocked program",
        "Blocker: protected path",
        "Failed task",
        "Failed wave",
        "Silent builder",
        "Violation: test debt",
    ]


@pytest.mark.parametrize("make", [ProgramFactory, WaveFactory, TaskFactory])
def test_an_open_blocker_speaks_for_what_it_blocks(make):
    BlockerFactory(entity=make(state="blocked"))
    assert kinds() == ["Blocker: repeated failures"]


def test_a_violation_speaks_for_its_task_and_for_the_blocker_that_it_raised():
    task = TaskFactory(state="in-progress")
    GovernanceViolationFactory(task=task, violation_type="test debt")
    assert task.blockers.open().count() == 1
    assert kinds() == ["Violation: test debt"]


def test_a_declared_stall_speaks_for_its_silent_builder():
    holder = make_silent(state="blocked")
    BlockerFactory(entity=holder.current_task, classification="builder_stall")
    assert kinds() == ["Blocker: builder stall"]


def test_a_builder_that_says_the_same_ten_times_is_spinning():
    task = make_ready()
    builder = take_up(task)
    for number in range(10):
        HeartbeatFactory(
            builder=builder,
            task=task,
            progress_percentage=10,
            message="tidying",
            timestamp=now() + timedelta(seconds=number + 1),
        )
    assert kinds() == ["Spinning builder"]


def test_a_plan_waits_to_be_approved_once_it_is_whole():
    program = ProgramFactory(state="planned")
    wave = WaveFactory(program=program, state="planned")
    assert kinds() == []
    TaskFactory(wave=wave)
    assert kinds() == ["Plan to approve"]


@pytest.mark.parametrize("empty", [1, 2])
def test_a_plan_with_a_wave_without_tasks_is_not_whole_wherever_that_is(empty):
    program = ProgramFactory(state="planned")
    for number in (1, 2):
        wave = WaveFactory(program=program, sequence_number=number, state="planned")
        if number != empty:
            TaskFactory(wave=wave)
    assert kinds() == []


def test_a_wave_waits_to_be_started_once_those_before_it_are_completed():
    program = ProgramFactory()
    first = WaveFactory(program=program, sequence_number=1)
    last = TaskFactory(wave=first, state="in-progress")
    WaveFactory(program=program, sequence_number=2, state="planned", dependencies=[str(first.pk)])
    assert kinds() == []
    force(Task.objects.filter(pk=last.pk), state="completed")
    assert kinds() == ["Wave to start"]


def test_work_waits_to_be_given_out_while_a_builder_is_idle():
    task = make_ready()
    BuilderFactory.create_batch(1, state="idle")
    assert kinds() == ["Work to give out"]
    Builder.objects.update(state="failed")
    assert kinds() == []
    Builder.objects.update(state="idle")
    force(Wave.objects.filter(pk=task.wave_id), state="blocked")
    assert "Work to give out" not in kinds()


def test_the_first_tasks_that_are_ready_are_offered_and_few_are_counted():
    BuilderFactory.create_batch(1, state="idle")
    wave = WaveFactory()
    tasks = [make_ready(wave=wave) for _ in range(5)]
    for number, task in enumerate(tasks):
        force(Task.objects.filter(pk=task.pk), created_at=now() - timedelta(days=number))
    (decision,) = list_decisions()
    assert decision.happened.startswith("5 tasks are ready")
    assert [offer.about for offer in decision.offers] == [str(task) for task in tasks[:1:-1]]
    make_ready(wave=wave)
    (decision,) = list_decisions()
    assert decision.happened.startswith("More than 5 tasks are ready")
    assert (len(decision.offers), decision.held.tasks) == (3, 5)


def test_a_refused_claim_waits_until_somebody_decides():
    task = make_ready()
    builder = take_up(task)
    claim_completion(task, by=builder)
    (decision,) = list_decisions()
    assert decision.kind == "Claim of “done” refused"
    assert {condition.rule for condition in decision.conditions} >= {"suite_green"}
    force(Task.objects.filter(pk=task.pk), state="failed")
    assert kinds() == ["Failed task"]


def test_what_holds_up_most_comes_first_and_of_equals_the_oldest():
    program = ProgramFactory()
    first = WaveFactory(program=program, sequence_number=1)
    second = WaveFactory(program=program, sequence_number=2, dependencies=[str(first.pk)])
    TaskFactory.create_batch(5, wave=second)
    costly = TaskFactory(wave=first)
    hours = iter(range(1, 9))
    for task in [*TaskFactory.create_batch(3), costly]:
        BlockerFactory(entity=task, detected_at=now() - timedelta(hours=5 - next(hours)))
    listed = list_decisions()
    assert listed[0].entity == costly
    assert (
        listed[0].held.words
        == f"this task, the last of {first}, and with it {second} (6 tasks in all)"
    )
    ages = [decision.since for decision in listed[1:]]
    assert ages == sorted(ages)


def test_a_failed_attempt_dates_from_its_end():
    ended = now() - timedelta(days=3)
    TaskFactory(state="failed", completed_at=ended)
    assert list_decisions()[0].since == ended


def test_the_list_is_bounded_and_the_count_is_not():
    for _ in range(7):
        BlockerFactory()
    assert len(list_decisions(limit=5)) == 5
    assert count_matters().total == 7


def test_who_only_reads_is_offered_nothing():
    BlockerFactory()
    assert list_decisions()[0].offers
    assert not list_decisions(decides=False)[0].offers


def test_what_is_done_with_a_task_is_offered_once():
    task = TaskFactory(state="in-progress")
    BlockerFactory(entity=task)
    BlockerFactory(entity=task, classification="protected_path")
    keys = [offer.key for decision in list_decisions() for offer in decision.offers]
    assert len(keys) == len(set(keys)) > 2


def test_the_costs_are_asked_once_for_all(django_assert_max_num_queries):
    for _ in range(2):
        for state in ("failed", "planned"):
            TaskFactory(wave=WaveFactory(), state=state)
        BlockerFactory(entity=TaskFactory())
        WaveFactory(state="planned")
        TaskFactory(wave=WaveFactory(state="planned", program__state="planned"))
        make_ready()
    with django_assert_max_num_queries(12) as few:
        assert list_decisions()
    for _ in range(6):
        TaskFactory(wave=WaveFactory(), state="failed")
        BlockerFactory(entity=TaskFactory())
        WaveFactory(state="planned")
        TaskFactory(wave=WaveFactory(state="planned", program__state="planned"))
        make_ready()
    with django_assert_max_num_queries(len(few)):
        assert len(list_decisions(limit=50)) > 20


def test_what_waits_is_counted_by_kind_and_the_worst_is_named():
    assert not count_matters()
    assert count_matters().worst == "done"
    BlockerFactory(classification="protected_path")
    BlockerFactory(classification="impossible_requirements")
    assert count_matters().worst == "blocked"
    [(one, many, number, keys)] = count_matters().words
    assert (one, many, number) == ("blocker", "blockers", 2)
    assert len(set(keys)) == 2
    BlockerFactory(classification="builder_stall")
    TaskFactory(state="failed")
    TaskFactory(state="blocked")
    counted = count_matters()
    assert counted.worst == "failed"
    assert counted.counts == {"blocker": 2, "stall": 1, "failed": 1, "blocked": 1}
    assert str(counted) == "5"


def test_no_set_is_counted_beyond_what_anybody_reads(monkeypatch):
    monkeypatch.setattr("governance.attention.COUNTED", 3)
    TaskFactory.create_batch(3, state="failed")
    assert str(count_matters()) == "3"
    TaskFactory.create_batch(3, state="failed")
    assert str(count_matters()) == "4+"
    assert count_matters().words == [("failed attempt", "failed attempts", 4, None)]


def test_what_waits_keeps_its_name_while_others_come_and_go():
    first, _ = BlockerFactory(), BlockerFactory()
    [(*_, before)] = count_matters().words
    resolve_blocker(first, resolution_action="Done", by=None)
    BlockerFactory()
    [(*_, after)] = count_matters().words
    assert len(before) == len(after) == 2
    assert len(set(before) & set(after)) == 1
