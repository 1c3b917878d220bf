"""What waits for a decision: listed once, counted, in order, and bounded."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.dashboard.available_actions import offer_assignment
from foreman_office.dashboard.inbox.headline import headline
from foreman_office.dashboard.inbox.inbox_cards import list_bands, read_builders
from foreman_office.dashboard.inbox.pending_decisions import PendingCounts, count_pending
from governance.actions import claim_completion, resolve_blocker
from governance.models import Blocker
from programs.models import Task, Wave
from tests.dashboard.inbox.decisions import force, kinds, list_decisions, make_idle
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    TaskFactory,
    WaveFactory,
)
from tests.scenes import make_ready, make_silent, take_up

pytestmark = pytest.mark.django_db


def test_an_office_that_is_well_needs_nobody():
    TaskFactory(state="in-progress")
    BlockerFactory(
        entity=TaskFactory(state="in-progress"),
        resolved_at=now(),
        resolution_action="Suite repaired",
    )
    GovernanceViolationFactory(
        task=TaskFactory(state="in-progress"), resolved_at=now(), resolution="Reverted"
    )
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


def test_what_failed_in_a_completed_wave_or_an_abandoned_program_does_not_wait():
    abandoned = ProgramFactory(state="failed")
    TaskFactory(state="failed", wave__program=abandoned)
    TaskFactory(state="blocked", wave__program=abandoned)
    WaveFactory(state="failed", program=abandoned)
    WaveFactory(state="planned", program=abandoned)
    closed = TaskFactory(state="failed").wave
    assert kinds() == ["Failed task"]
    force(Wave.objects.filter(pk=closed.pk), state="completed")
    assert kinds() == []
    TaskFactory(state="failed", wave__state="in-progress")
    assert kinds() == ["Failed task"]


@pytest.mark.parametrize("make", [ProgramFactory, WaveFactory, TaskFactory])
def test_an_open_blocker_speaks_for_what_it_blocks(make):
    BlockerFactory(entity=make(state="blocked"))
    assert kinds() == ["Blocker: repeated failures"]


def test_a_violation_speaks_for_its_task_and_for_the_blocker_that_it_raised():
    task = TaskFactory(state="in-progress")
    GovernanceViolationFactory(task=task, violation_type="test debt")
    assert Blocker.objects.within(task).open().count() == 1
    assert kinds() == ["Violation: test debt"]


def test_a_declared_stall_speaks_for_its_silent_builder():
    holder = make_silent(state="blocked")
    BlockerFactory(entity=holder.current_task, classification="builder_stall")
    assert kinds() == ["Blocker: builder stall"]


def test_a_builder_that_reports_that_it_is_blocked_waits_for_a_decision():
    task = make_ready()
    builder = take_up(task)
    HeartbeatFactory(builder=builder, task=task, status="blocked", message="No key")
    (decision,) = list_decisions()
    assert (decision.kind, str(decision.entity)) == ("waiting", "ui-builder")
    assert "“No key”" in decision.happened
    assert not decision.broken
    BlockerFactory(entity=task)  # which says it better
    assert "waiting" not in kinds()


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
    make_idle()
    assert kinds() == ["Ready to assign"]
    Builder.objects.update(state="failed")
    assert kinds() == ["Not ready"]  # no builder is idle, and none works
    Builder.objects.update(state="idle")
    force(Wave.objects.filter(pk=task.wave_id), state="blocked")
    assert "Ready to assign" not in kinds()


def test_the_first_tasks_that_are_ready_are_offered_and_few_are_counted():
    make_idle()
    wave = WaveFactory()
    tasks = [make_ready(wave=wave) for _ in range(5)]
    for number, task in enumerate(tasks):
        force(Task.objects.filter(pk=task.pk), created_at=now() - timedelta(days=number))
    (decision,) = list_decisions()
    assert decision.happened.startswith("5 tasks are ready")
    assert decision.key == f"staff-wave-{wave.pk}"
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
    assert decision.title == "Claim of “done” refused"
    assert {each.condition.rule for each in decision.conditions} >= {"suite_green"}
    force(Task.objects.filter(pk=task.pk), state="failed")
    assert kinds() == ["Failed task"]


def test_what_holds_up_most_comes_first_and_of_equals_the_oldest():
    program = ProgramFactory()
    first = WaveFactory(program=program, sequence_number=1)
    second = WaveFactory(
        program=program, sequence_number=2, state="planned", dependencies=[str(first.pk)]
    )
    TaskFactory.create_batch(5, wave=second)
    costly = TaskFactory(wave=first)
    hours = iter(range(1, 9))
    for task in [*TaskFactory.create_batch(3), costly]:
        BlockerFactory(entity=task, detected_at=now() - timedelta(hours=5 - next(hours)))
    listed = list_decisions()
    assert listed[0].entity == costly
    assert (
        listed[0].held.words
        == f"this task, the last of {first}, and the dependent {second} (6 tasks in all)"
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
    assert count_pending().total == 7


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
    assert not count_pending()
    assert count_pending().worst == "done"
    BlockerFactory(classification="protected_path")
    BlockerFactory(classification="impossible_requirements")
    assert count_pending().worst == "blocked"
    [(one, many, number, keys)] = count_pending().words
    assert (one, many, number) == ("blocker", "blockers", 2)
    assert len(set(keys)) == 2
    BlockerFactory(classification="builder_stall")
    TaskFactory(state="failed")
    TaskFactory(state="blocked")
    counted = count_pending()
    assert counted.worst == "failed"
    assert counted.counts == {"blocker": 2, "stall": 1, "failed": 1, "blocked": 1}
    assert str(counted) == "5"


def test_no_set_is_counted_beyond_what_anybody_reads(monkeypatch):
    monkeypatch.setattr("foreman_office.dashboard.inbox.pending_decisions.COUNTED", 3)
    TaskFactory.create_batch(3, state="failed")
    assert str(count_pending()) == "3"
    TaskFactory.create_batch(3, state="failed")
    assert str(count_pending()) == "4+"
    assert count_pending().words == [("failed attempt", "failed attempts", 4, None)]


def test_what_waits_keeps_its_name_while_others_come_and_go():
    first, _ = BlockerFactory(entity=TaskFactory(state="in-progress")), BlockerFactory()
    [(*_, before)] = count_pending().words
    resolve_blocker(first, resolution_action="Done", by=None)
    BlockerFactory()
    [(*_, after)] = count_pending().words
    assert len(before) == len(after) == 2
    assert len(set(before) & set(after)) == 1


# --- the bands and the heading --------------------------------------------------------------------


def test_what_is_broken_is_first_and_whole_whatever_waits():
    program = ProgramFactory(state="planned")
    TaskFactory.create_batch(30, wave=WaveFactory(program=program, state="planned"))
    make_silent()
    GovernanceViolationFactory.create_batch(9, task=None, builder=BuilderFactory())
    bands = list_bands(count_pending(), read_builders(), limit=1)
    assert len(bands.broken) == 10
    assert [each.kind for each in bands.waiting] == ["plan"]


def say(counts, **more):
    options = {"watched": True, "decides": True, "clear": False} | more
    return headline(PendingCounts(Counter(counts)), **options)


@pytest.mark.parametrize(
    ("counts", "more", "said"),
    [
        ({"silent": 4, "plan": 21}, {}, "4 builders silent. 21 decisions wait."),
        ({"silent": 1, "violation": 2}, {}, "1 builder silent, 2 violations unresolved"),
        ({"idle": 1}, {}, "1 builder not on its task"),
        ({"idle": 3}, {}, "3 builders not on their task"),
        ({"plan": 21}, {}, "21 decisions wait for you"),
        ({"plan": 1}, {}, "1 decision waits for you"),
        ({"plan": 25}, {"decides": False}, "25 decisions wait for a foreman"),
        ({}, {"watched": False}, "The watcher is not running"),
        ({"plan": 2}, {"watched": False}, "The watcher is not running. 2 decisions wait."),
        ({}, {"clear": True}, "All clear"),
        ({}, {}, "Nothing moves, and here is why"),
    ],
)
def test_the_heading_names_what_is_broken_and_what_waits(counts, more, said):
    assert say(counts, **more) == said


def test_a_decision_keeps_its_key_for_as_long_as_it_lasts():
    task = TaskFactory(state="in-progress")
    BlockerFactory(entity=task, classification="protected_path")
    before = [decision.key for decision in list_decisions()]
    BlockerFactory()
    assert before == [f"blocker-task-{task.pk}-protected_path"]
    assert before[0] in [decision.key for decision in list_decisions()]


@pytest.mark.parametrize("assigned", [None, "ui-builder"])
def test_a_task_is_offered_to_its_planned_builder_first(assigned):
    task = make_ready(planned_builder="schema-builder", assigned_builder=assigned)
    offer = offer_assignment(task, read_builders())
    assert dict(offer.initial) == {"builder": "schema-builder"}
