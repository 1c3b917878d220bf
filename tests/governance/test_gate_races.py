"""Both sides of each gate at once: two connections, in both orders."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.utils.timezone import now

from builders.models import Builder
from governance.models import Blocker, Evidence, GovernanceViolation, QAExecution
from governance.replay import Replay
from programs.models import Task
from tests.conftest import rule_of
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)
from tests.races import is_blocked, overlap, refusal, run, until
from tests.scenes import state_of

pytestmark = pytest.mark.django_db(transaction=True)
both_orders = pytest.mark.parametrize("turned", [False, True], ids=["as named", "turned round"])


@pytest.fixture
def race(connect):
    """Run two lists of statements at once; return which rule refused each, as named."""

    def race(one, other, turned):
        errors = overlap(connect, *((other, one) if turned else (one, other)))
        rules = [error and rule_of(error) for error in errors]
        assert Replay().first_difference() is None
        return tuple(reversed(rules) if turned else rules)

    return race


@pytest.fixture
def done(wave):
    """A task that lacks nothing but to be completed, one of two."""
    TaskFactory(wave=wave)
    return ready_to_complete(wave)


def ready_to_complete(wave, builder="ui-builder"):
    task = TaskFactory(wave=wave, state="in-progress", evidence_location="s3://proof")
    BuilderFactory(builder_id=builder, current_task=task, state="active")
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5, executed_at=LAST_WEEK)
    QAExecutionFactory(task=task, passing_tests=5)
    return task


def ready_to_assign(wave):
    Builder.objects.filter(heard_at=None).update(heard_at=now())
    task = TaskFactory(wave=wave)
    ArchitectureValidationFactory(task=task)
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    return task


LAST_WEEK = now() - timedelta(days=7)


def complete(task):
    return [("UPDATE tasks SET state = 'completed' WHERE task_id = %s", [task.pk])]


def assign(task, builder):
    return [
        (
            "UPDATE tasks SET state = 'assigned', assigned_builder = %s WHERE task_id = %s",
            [builder, task.pk],
        )
    ]


def raise_on(entity):
    kind = entity._meta.model_name
    return [
        ("SELECT governance_raise_blocker(%s, %s, 'protected_path', 'A lock.')", [kind, entity.pk])
    ]


def violate(task):
    return [
        (
            "INSERT INTO governance_violations (task_id, violation_type, description)"
            " VALUES (%s, 'test debt', '53')",
            [task.pk],
        )
    ]


def run_suite(task, passing, failing):
    status = "GREEN" if not failing else "PARTIAL" if passing else "RED"
    return [
        (
            "INSERT INTO qa_executions (task_id, qa_suite_location, total_tests, passing_tests,"
            " failing_tests, skipped_tests, qa_status)"
            " VALUES (%s, 'tests/escalation/', %s, %s, %s, 0, %s)",
            [task.pk, passing + failing, passing, failing, status],
        )
    ]


def moves(entity, to):
    return Evidence.objects.of(entity).filter(witnessed=True, context__to=to).count()


# --- completing a task ----------------------------------------------------------------------------


@both_orders
def test_a_blocker_is_raised_while_its_task_is_completed(turned, done, race):
    completing, raising = race(complete(done), raise_on(done), turned)
    if turned:
        assert (completing, raising) == ("programs_tasks_moves", None)
        assert (state_of(done), Blocker.objects.open().count()) == ("blocked", 1)
    else:
        assert (completing, raising) == (None, "governance_blockers_not_on_completed")
        assert (state_of(done), Blocker.objects.count()) == ("completed", 0)


@both_orders
def test_a_rule_is_broken_while_the_task_is_completed(turned, done, race):
    completing, violating = race(complete(done), violate(done), turned)
    assert violating is None
    assert GovernanceViolation.objects.count() == 1
    if turned:
        assert completing == "programs_tasks_moves"
        assert (state_of(done), Blocker.objects.open().count()) == ("blocked", 1)
    else:
        assert completing is None
        assert (state_of(done), Blocker.objects.count()) == ("completed", 0)


@both_orders
def test_a_failed_run_comes_in_while_the_task_is_completed(turned, done, race):
    completing, running = race(complete(done), run_suite(done, 4, 1), turned)
    assert running is None
    # The run that was there first is heard; one that comes after the end changes nothing.
    assert completing == ("governance_tasks_gate" if turned else None)
    assert state_of(done) == ("in-progress" if turned else "completed")


@both_orders
def test_work_goes_on_while_the_task_is_completed(turned, done, race):
    beat = [
        (
            "INSERT INTO heartbeats (builder_id, task_id, status, progress_percentage)"
            " VALUES ('ui-builder', %s, 'active', 70)",
            [done.pk],
        )
    ]
    completing, beating = race(complete(done), beat, turned)
    assert beating is None
    assert completing == ("governance_tasks_gate" if turned else None)
    assert Task.objects.get(pk=done.pk).progress_percentage == (70 if turned else 100)


@both_orders
def test_a_violation_by_a_builder_and_a_completion_never_wait_for_each_other_in_a_circle(
    turned, connect, done
):
    """Each has begun, and neither is done: somebody else holds the wave, or the old blocker."""
    BlockerFactory(entity=done, classification="constitutional_violation", resolved_at=now())
    violating = [
        (
            "INSERT INTO governance_violations (task_id, builder_id, violation_type, description)"
            " VALUES (%s, 'ui-builder', 'test debt', '53')",
            [done.pk],
        )
    ]
    held = "SELECT FROM blockers FOR UPDATE" if turned else "SELECT FROM waves FOR UPDATE"
    first, second = (violating, complete(done)) if turned else (complete(done), violating)
    holder, one, other, observer = connect(), connect(), connect(), connect()
    with ThreadPoolExecutor(2) as threads:
        run(holder, ["BEGIN", held])
        answers = [threads.submit(refusal, one, first)]
        until(lambda: is_blocked(observer, one))
        answers.append(threads.submit(refusal, other, second))
        until(lambda: answers[1].done() or is_blocked(observer, other))
        holder.execute("COMMIT")
        errors = [answer.result() for answer in answers]
    refused = [rule_of(error) for error in errors if error]
    assert refused in ([], ["programs_tasks_moves"])
    assert GovernanceViolation.objects.count() == 1
    assert state_of(done) == ("blocked" if refused else "completed")


def test_beats_and_completions_never_wait_for_each_other_in_a_circle(connect, wave):
    """Thirty rounds, without an order: whatever happens, nobody is refused for a deadlock."""
    TaskFactory(wave=wave)
    beater, finisher = connect(), connect()
    for round in range(30):
        task = ready_to_complete(wave)
        beat = (
            "INSERT INTO heartbeats (builder_id, task_id, status, progress_percentage)"
            " VALUES ('ui-builder', %s, 'active', %s)",
            [task.pk, 1 + round],
        )
        start = Barrier(2)

        def go(connection, statements, start=start):
            start.wait()
            return refusal(connection, statements)

        with ThreadPoolExecutor(2) as threads:
            beating = threads.submit(go, beater, [beat])
            completing = threads.submit(go, finisher, complete(task))
            assert beating.result() is None
            refused = completing.result()
        assert refused is None or rule_of(refused) == "governance_tasks_gate"
        if refused:
            QAExecutionFactory(task=task, passing_tests=5, executed_at=now() + timedelta(days=1))
            assert refusal(finisher, complete(task)) is None
        assert Builder.objects.get(pk="ui-builder").current_task is None
    assert Replay().first_difference() is None


@both_orders
def test_the_last_two_tasks_of_a_wave_are_completed_at_once(turned, wave, race):
    one, other = ready_to_complete(wave), ready_to_complete(wave, "api-builder")
    assert race(complete(one), complete(other), turned) == (None, None)
    assert (state_of(wave), state_of(wave.program)) == ("completed", "completed")
    assert (moves(wave, "completed"), moves(wave.program, "completed")) == (1, 1)
    assert not Builder.objects.filter(current_task__isnull=False).exists()


@both_orders
def test_the_last_tasks_of_two_waves_are_completed_at_once(turned, wave, race):
    sibling = WaveFactory(program=wave.program)
    one, other = ready_to_complete(wave), ready_to_complete(sibling, "api-builder")
    assert race(complete(one), complete(other), turned) == (None, None)
    assert {state_of(each) for each in (wave, sibling, wave.program)} == {"completed"}
    assert moves(wave.program, "completed") == 1


@both_orders
def test_a_task_is_added_while_its_wave_is_completed(turned, wave, race):
    last = ready_to_complete(wave)
    add = [
        (
            "INSERT INTO tasks (wave_id, name, architecture_reference, qa_suite_location,"
            " acceptance_criteria, state) VALUES (%s, 'One more', '', '', '', 'planned')",
            [wave.pk],
        )
    ]
    completing, adding = race(complete(last), add, turned)
    assert completing is None
    assert adding == (None if turned else "governance_waves_open")
    assert state_of(wave) == ("in-progress" if turned else "completed")


@both_orders
def test_a_task_is_moved_in_while_its_wave_is_completed(turned, wave, race):
    last, elsewhere = ready_to_complete(wave), TaskFactory()
    move = [("UPDATE tasks SET wave_id = %s WHERE task_id = %s", [wave.pk, elsewhere.pk])]
    completing, moving = race(complete(last), move, turned)
    assert completing is None
    assert moving == (None if turned else "governance_waves_open")
    assert state_of(wave) == ("in-progress" if turned else "completed")


# --- starting and assigning -----------------------------------------------------------------------


@both_orders
def test_a_dependency_is_opened_again_while_its_dependent_starts(turned, race):
    earlier = WaveFactory(state="completed")
    later = WaveFactory(program=earlier.program, state="planned", dependencies=[str(earlier.pk)])
    start = [("UPDATE waves SET state = 'in-progress' WHERE wave_id = %s", [later.pk])]
    reopen = [
        "SELECT set_config('foreman.override', 'It was not done.', true)",
        ("UPDATE waves SET state = 'in-progress' WHERE wave_id = %s", [earlier.pk]),
    ]
    starting, reopening = race(start, reopen, turned)
    assert reopening is None
    assert starting == ("governance_waves_gate" if turned else None)
    assert state_of(later) == ("planned" if turned else "in-progress")


@both_orders
def test_one_builder_is_given_two_tasks(turned, wave, race):
    one, other = ready_to_assign(wave), ready_to_assign(wave)
    rules = race(assign(one, "ui-builder"), assign(other, "ui-builder"), turned)
    first, second = (other, one) if turned else (one, other)
    assert rules == (("governance_tasks_gate", None) if turned else (None, "governance_tasks_gate"))
    assert (state_of(first), state_of(second)) == ("assigned", "planned")
    assert Builder.objects.get(pk="ui-builder").current_task == first


@both_orders
def test_one_task_is_given_to_two_builders(turned, wave, race):
    task = ready_to_assign(wave)
    rules = race(assign(task, "ui-builder"), assign(task, "api-builder"), turned)
    refused = "governance_tasks_in_hand"
    assert rules == ((refused, None) if turned else (None, refused))
    winner = "api-builder" if turned else "ui-builder"
    assert [builder.pk for builder in task.holders.all()] == [winner]
    task.refresh_from_db()
    assert (task.state, task.assigned_builder) == ("assigned", winner)


@both_orders
@pytest.mark.parametrize("parent", ["wave", "program"])
def test_a_parent_is_blocked_while_a_task_starts(parent, turned, wave, race):
    task = TaskFactory(wave=wave, architecture_reference="", qa_suite_location="")
    blocked = {"wave": wave, "program": wave.program}[parent]
    start = [("UPDATE tasks SET state = 'in-progress' WHERE task_id = %s", [task.pk])]
    starting, raising = race(start, raise_on(blocked), turned)
    assert raising is None
    assert starting == ("governance_tasks_gate" if turned else None)
    assert (state_of(task), state_of(blocked)) == (
        "planned" if turned else "in-progress",
        "blocked",
    )


@both_orders
def test_a_program_is_blocked_while_its_wave_starts(turned, race):
    wave = WaveFactory(state="planned")
    start = [("UPDATE waves SET state = 'in-progress' WHERE wave_id = %s", [wave.pk])]
    starting, raising = race(start, raise_on(wave.program), turned)
    assert (starting, raising) == ("governance_waves_gate" if turned else None, None)
    assert state_of(wave) == ("planned" if turned else "in-progress")


@both_orders
def test_a_task_is_blocked_while_it_is_assigned(turned, wave, race):
    task = ready_to_assign(wave)
    assigning, raising = race(assign(task, "ui-builder"), raise_on(task), turned)
    assert raising is None
    # Behind the blocker the move is one from blocked, back to where it never was.
    assert assigning == ("governance_tasks_gate" if turned else None)
    assert state_of(task) == "blocked"
    assert task.holders.count() == (0 if turned else 1)


# --- blockers -------------------------------------------------------------------------------------


@both_orders
def test_the_same_trouble_is_raised_twice_at_once(turned, task, race):
    assert race(raise_on(task), raise_on(task), turned) == (None, None)
    blocker = Blocker.objects.get()
    assert (blocker.occurrences, blocker.resolved_at) == (2, None)
    assert moves(task, "blocked") == 1


@both_orders
def test_the_last_two_blockers_are_resolved_at_once(turned, task, race):
    def resolve(kind):
        return [("UPDATE blockers SET resolved_at = now() WHERE classification = %s", [kind])]

    for kind in ("protected_path", "impossible_requirements"):
        Blocker.objects.create(
            entity_type="task", entity_id=task.pk, classification=kind, description="A lock."
        )
    one, other = resolve("protected_path"), resolve("impossible_requirements")
    assert race(one, other, turned) == (None, None)
    assert state_of(task) == "planned"


@both_orders
def test_the_last_two_violations_are_resolved_at_once(turned, task, race):
    one, other = GovernanceViolationFactory.create_batch(2, task=task)

    def resolve(violation):
        query = "UPDATE governance_violations SET resolved_at = now() WHERE violation_id = %s"
        return [(query, [violation.pk])]

    assert race(resolve(one), resolve(other), turned) == (None, None)
    assert (state_of(task), Blocker.objects.open().count()) == ("planned", 0)


@both_orders
def test_the_second_and_third_run_without_progress_come_in_at_once(turned, wave, race):
    task = TaskFactory(wave=wave, state="in-progress")
    QAExecutionFactory(task=task, passing_tests=3, failing_tests=2)
    assert race(run_suite(task, 3, 2), run_suite(task, 3, 2), turned) == (None, None)
    assert QAExecution.objects.count() == 3
    assert Blocker.objects.open().get().classification == "repeated_failures"
    assert state_of(task) == "blocked"
