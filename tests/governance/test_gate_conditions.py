"""What each condition of a gate looks at, and the other side of the gates."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders.models import Builder
from governance.gates import conditions
from governance.models import ArchitectureValidation, QAExecution
from kit.core.acts import Refused, act
from programs.actions import move
from programs.models import Task, Wave
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    BuilderPauseFactory,
    GovernanceViolationFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)
from tests.governance.gate_scenes import RED, AssignTask, CompleteTask

pytestmark = pytest.mark.django_db


# --- what a condition looks at --------------------------------------------------------------------


def unmet(entity, target, builder="ui-builder"):
    answer = conditions(entity, target, builder=Builder.objects.get(pk=builder))
    return {condition.rule: condition.detail for condition in answer if not condition.met}


def test_the_latest_validation_speaks_and_only_one_of_the_tasks_own_architecture():
    scene = AssignTask()
    with act(None, reason="A correction."):
        ArchitectureValidation.objects.update(architecture_reference="another.md")
    assert set(unmet(scene.entity, "assigned")) == {"architecture_ready"}
    ArchitectureValidationFactory(task=scene.entity, validated_at=now() - timedelta(days=1))
    assert unmet(scene.entity, "assigned") == {}


def test_the_latest_run_speaks_and_only_one_of_the_tasks_own_suite():
    scene = AssignTask()
    QAExecutionFactory(task=scene.entity, qa_suite_location="another/")
    QAExecutionFactory(task=scene.entity, executed_at=now() - timedelta(days=30))
    assert unmet(scene.entity, "assigned") == {}
    with act(None, reason="A correction."):
        QAExecution.objects.update(qa_suite_location="another/")
    assert unmet(scene.entity, "assigned") == {"suite_red": "tests/escalation/ has not been run."}


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({"passing_tests": 5, "failing_tests": 0}, "All 5 tests pass: nothing is left to build."),
        (RED | {"skipped_tests": 1}, "1 of 6 tests are skipped."),
    ],
)
def test_a_suite_is_red_when_it_fails_and_skips_nothing(counts, reason):
    scene = AssignTask()
    QAExecutionFactory(task=scene.entity, **counts)
    assert unmet(scene.entity, "assigned") == {"suite_red": reason}


def test_a_task_that_names_nothing_cannot_be_given_to_a_builder(wave):
    task = TaskFactory(wave=wave, architecture_reference="", qa_suite_location="")
    BuilderFactory()
    assert unmet(task, "assigned") == {
        "architecture_ready": "The task has no architecture reference.",
        "suite_red": "The task has no QA suite.",
    }
    assert unmet(task, "in-progress") == {}  # the foreman's own work


def test_a_builder_with_full_hands_is_not_idle():
    scene = AssignTask()
    BuilderFactory(state="idle", current_task=TaskFactory(state="assigned"))
    assert unmet(scene.entity, "assigned") == {
        "builder_idle": "ui-builder has another task: complete or unassign that task first."
    }
    BuilderFactory(builder_id="api-builder")
    assert unmet(scene.entity, "assigned", builder="api-builder") == {}


@pytest.mark.parametrize("state", ["active", "blocked", "idle"])
def test_a_builder_without_a_task_is_idle_whatever_it_says(state):
    scene = AssignTask()
    BuilderFactory(state=state)
    assert unmet(scene.entity, "assigned") == {}


@pytest.mark.parametrize(
    ("builder", "reason"),
    [
        ({"heard_at": None}, "ui-builder has never reported: it must send a heartbeat first."),
        ({"state": "failed"}, "ui-builder is silent: it must send a heartbeat first."),
    ],
)
def test_a_builder_that_is_not_idle_is_told_what_would_free_it(builder, reason):
    scene = AssignTask()
    BuilderFactory(**builder)
    assert unmet(scene.entity, "assigned") == {"builder_idle": reason}


def test_a_paused_builder_is_given_nothing():
    scene = AssignTask()
    until = now() + timedelta(hours=1)
    begun = now() - timedelta(minutes=1)
    BuilderPauseFactory(builder=scene.builder, started_at=begun, ends_at=until, ended_at=None)
    assert unmet(scene.entity, "assigned") == {
        "builder_idle": "ui-builder is paused: end the pause first."
    }


def test_what_is_resolved_holds_nothing_up():
    scene = CompleteTask()
    GovernanceViolationFactory(task=scene.entity, resolved_at=now())
    BlockerFactory(entity=scene.entity, resolved_at=now())
    BlockerFactory(entity=scene.wave)  # another's
    assert set(unmet(scene.entity, "completed")) == {"wave_in_progress"}


def test_a_move_without_a_gate_has_no_conditions(task):
    assert conditions(task, "blocked") == conditions(task, "planned") == []


def test_the_page_is_told_why(task):
    with pytest.raises(Refused) as refused:
        move(task, "in-progress", by=None)
    assert refused.value.rule == "governance_tasks_gate"
    assert [unmet["rule"] for unmet in refused.value.unmet] == ["architecture_ready", "suite_red"]
    assert refused.value.message.startswith("The task cannot become in progress.")


# --- the other side of the gates ------------------------------------------------------------------


def test_nothing_is_added_to_what_is_completed(refuses):
    wave = WaveFactory(state="completed")
    done = ProgramFactory(state="completed")
    elsewhere = TaskFactory()
    with refuses("governance_waves_open"):
        TaskFactory(wave=wave)
    with refuses("governance_waves_open"):
        Task.objects.filter(pk=elsewhere.pk).update(wave=wave)
    with refuses("governance_programs_open"):
        WaveFactory(program=done)
    with refuses("governance_programs_open"):
        Wave.objects.filter(pk=elsewhere.wave_id).update(program=done)


@pytest.mark.parametrize("state", ["assigned", "in-progress", "completed"])
def test_what_somebody_works_on_is_given_to_nobody_else(state, refuses):
    task = TaskFactory(state=state, assigned_builder="ui-builder")
    for other in ("api-builder", None):
        with refuses("governance_tasks_in_hand"):
            Task.objects.filter(pk=task.pk).update(assigned_builder=other)


def test_the_foremans_own_work_is_not_passed_on_midway(refuses):
    task = TaskFactory(state="in-progress")
    with refuses("governance_tasks_in_hand"):
        Task.objects.filter(pk=task.pk).update(assigned_builder="ui-builder")


def test_planned_work_may_be_meant_for_anybody(task):
    for name in ("ui-builder", "qa-builder", None):
        Task.objects.filter(pk=task.pk).update(assigned_builder=name)
    assert not Builder.objects.filter(current_task=task).exists()


def test_a_builder_does_not_take_up_a_second_task_even_if_forced(refuses):
    held = TaskFactory(state="assigned")
    BuilderFactory(current_task=held)
    with refuses("governance_builders_hold_their_task"), act(None, override="Now."):
        Task.objects.filter(pk=TaskFactory().pk).update(
            state="assigned", assigned_builder="ui-builder"
        )


def test_forced_to_another_builder_the_task_changes_hands():
    task = TaskFactory(state="in-progress")
    BuilderFactory(current_task=task)
    with act(None, override="She knows it better."):
        Task.objects.filter(pk=task.pk).update(assigned_builder="api-builder")
    assert [builder.pk for builder in task.holders.all()] == ["api-builder"]


@pytest.mark.parametrize("state", ["completed", "failed"])
def test_a_builder_holds_no_task_that_is_finished(state, sql, refuses):
    task = TaskFactory(state=state, assigned_builder="ui-builder")
    with refuses("governance_builders_hold_their_task"):
        Builder.objects.filter(pk="ui-builder").update(current_task=task)
        sql("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_builder_holds_no_task_of_another(sql, refuses):
    task = TaskFactory(state="assigned", assigned_builder="ui-builder")
    with refuses("governance_builders_hold_their_task"):
        Builder.objects.filter(pk="qa-builder").update(current_task=task)
        sql("SET CONSTRAINTS ALL IMMEDIATE")
