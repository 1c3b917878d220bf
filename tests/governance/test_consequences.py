"""What follows by itself from violations, failures, and blockers raised and resolved."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders.actions import release_task
from governance.actions import resolve_violation
from governance.models import Blocker, GovernanceViolation, QAExecution
from kit.core.acts import act
from programs.models import Program, Task, Wave
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    QAExecutionFactory,
    TaskFactory,
)
from tests.governance.consequences import resolve, trouble, verbs
from tests.scenes import state_of

pytestmark = pytest.mark.django_db


# --- violations -----------------------------------------------------------------------------------


def test_a_violation_halts_its_task(held):
    GovernanceViolationFactory(task=held, violation_type="test debt", description="53 of them.")
    blocker = Blocker.objects.open().get()
    assert (blocker.classification, blocker.entity_id) == ("constitutional_violation", held.pk)
    assert blocker.description == "test debt: 53 of them."
    assert state_of(held) == "blocked"
    assert verbs(held)[-3:] == ["violation_recorded", "blocker_raised", "state_changed"]


def test_a_second_violation_is_counted_and_the_last_one_resolved_sets_free(held):
    violations = GovernanceViolationFactory.create_batch(2, task=held)
    assert Blocker.objects.get().occurrences == 2
    resolve_violation(violations[0], resolution="Repaid.", by=None)
    assert state_of(held) == "blocked"
    resolve_violation(violations[1], resolution="Repaid too.", by=None)
    assert Blocker.objects.get().resolution_action == "Repaid too."
    assert state_of(held) == "in-progress"


def test_a_violation_on_a_completed_task_is_kept_and_halts_nothing():
    done = TaskFactory(state="completed")
    GovernanceViolationFactory(task=done)
    assert GovernanceViolation.objects.count() == 1
    assert (state_of(done), Blocker.objects.count()) == ("completed", 0)


def test_a_violation_of_no_task_or_long_resolved_halts_nothing(held):
    GovernanceViolationFactory(task=None, builder_id="ui-builder")
    GovernanceViolationFactory(task=held, resolved_at=now())
    assert not Blocker.objects.exists()


# --- repeated failures ----------------------------------------------------------------------------


def runs(task, *passing, after=timedelta(0)):
    """Record runs of ten tests, so many of which pass, one after the other."""
    start = now() - timedelta(hours=1) + after
    for n, passes in enumerate(passing):
        QAExecutionFactory(
            task=task, passing_tests=passes, failing_tests=10 - passes,
            executed_at=start + timedelta(seconds=n),
        )  # fmt: skip


@pytest.mark.parametrize("passing", [(3, 3, 3), (3, 2, 1), (0, 0, 0), (9, 9, 8), (1, 5, 5, 5)])
def test_three_runs_in_a_row_without_progress_block_the_task(passing, held):
    runs(held, *passing)
    blocker = Blocker.objects.open().get()
    assert blocker.classification == "repeated_failures"
    assert blocker.description.endswith(", then ".join(map(str, passing[-3:])) + " tests pass.")
    assert state_of(held) == "blocked"


@pytest.mark.parametrize(
    "passing", [(3, 3), (1, 2, 3), (3, 3, 4), (3, 4, 4), (5, 3, 4), (10, 10, 10), (9, 9, 10)]
)
def test_progress_green_or_too_few_runs_do_not(passing, held):
    runs(held, *passing)
    assert not Blocker.objects.exists()


@pytest.mark.parametrize("state", ["planned", "assigned", "blocked", "failed", "completed"])
def test_only_work_that_goes_on_can_fail_repeatedly(state):
    runs(TaskFactory(state=state), 3, 3, 3)
    assert not Blocker.objects.exists()


def test_runs_of_another_suite_or_task_are_not_counted(held):
    runs(held, 3, 3)
    QAExecutionFactory(task=held, qa_suite_location="another/", passing_tests=3, failing_tests=7)
    runs(TaskFactory(state="in-progress"), 3)
    assert not Blocker.objects.exists()


def test_after_the_blocker_was_resolved_it_counts_anew(held):
    runs(held, 3, 3, 3)
    resolve(Blocker.objects.get())
    # Nothing arrives later than now: the blocker was resolved half an hour ago.
    half_an_hour_ago = now() - timedelta(minutes=30)
    Blocker.objects.update(detected_at=half_an_hour_ago, resolved_at=half_an_hour_ago)
    soon = timedelta(minutes=31)
    runs(held, 3, 3, after=soon)
    assert state_of(held) == "in-progress"
    runs(held, 3, after=soon + timedelta(minutes=1))
    blocker = Blocker.objects.get()
    assert (blocker.occurrences, blocker.resolved_at, state_of(held)) == (2, None, "blocked")


def test_runs_that_arrive_together_are_counted_together(held):
    QAExecution.objects.bulk_create(
        QAExecutionFactory.build_batch(3, task=held, passing_tests=3, failing_tests=2)
    )
    assert state_of(held) == "blocked"


# --- blocking and returning -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Program, Wave, Task])
@pytest.mark.parametrize("state", ["planned", "in-progress"])
def test_the_last_blocker_resolved_returns_what_was(kind, state):
    task = TaskFactory(state=state, wave__state=state, wave__program__state=state)
    entity = {Program: task.wave.program, Wave: task.wave, Task: task}[kind]
    blockers = [trouble(entity), trouble(entity, "impossible_requirements")]
    assert state_of(entity) == "blocked"
    resolve(blockers[0])
    assert state_of(entity) == "blocked"
    resolve(blockers[1])
    assert state_of(entity) == state


def test_an_assigned_task_returns_to_its_builder(wave):
    task = TaskFactory(wave=wave, state="assigned")
    builder = BuilderFactory(current_task=task)
    resolve(trouble(task))
    assert state_of(task) == "assigned"
    builder.refresh_from_db()
    assert builder.current_task == task


def test_a_task_let_go_while_it_was_blocked_is_planned_again(held):
    blocker = trouble(held)
    release_task(held, by=None)
    assert state_of(held) == "planned"
    resolve(blocker)
    assert state_of(held) == "planned"


def test_what_was_not_blocked_stays_where_it_is():
    failed = TaskFactory(state="failed")
    blocker = trouble(failed)
    assert state_of(failed) == "failed"
    resolve(blocker)
    assert state_of(failed) == "failed"


def test_the_same_trouble_again_is_counted_and_opened_again(task):
    blocker = trouble(task)
    again = trouble(task)
    assert (again.pk, again.occurrences) == (blocker.pk, 2)
    resolve(blocker)
    once_more = trouble(task)
    assert (once_more.pk, once_more.occurrences, once_more.resolved_at) == (blocker.pk, 3, None)
    assert (once_more.resolution_action, state_of(task)) == (None, "blocked")
    assert [verb for verb in verbs(task) if verb.startswith("blocker")] == [
        "blocker_raised", "blocker_edited", "blocker_resolved", "blocker_reopened",
    ]  # fmt: skip


def test_a_blocker_that_is_deleted_blocks_no_more(held):
    blocker = trouble(held)
    with act(None, reason="Raised by mistake."):
        blocker.delete()
    assert state_of(held) == "in-progress"


def test_nothing_blocks_what_is_completed(refuses):
    done = TaskFactory(state="completed")
    with refuses("governance_blockers_not_on_completed"):
        trouble(done)
    old = BlockerFactory(entity=done, resolved_at=now())
    with refuses("governance_blockers_not_on_completed"):
        Blocker.objects.filter(pk=old.pk).update(resolved_at=None)


def test_a_wave_whose_tasks_were_all_done_meanwhile_completes_when_it_returns(wave):
    done = TaskFactory(wave=wave, state="completed")
    blocker = trouble(wave)
    resolve(blocker)
    assert state_of(done) == state_of(wave) == state_of(wave.program) == "completed"
